#include <idle_timeout.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;

namespace {

// What has happened to the protocol, and when.
struct Log {
    std::string received;
    Clock::time_point begun;
    Clock::time_point heard; // the last time that data came
    std::optional<Clock::time_point> lost;
};

class EchoProtocol : public IdleTimeout {
  public:
    EchoProtocol(EventLoop& loop, std::chrono::nanoseconds limit, Log& log)
        : IdleTimeout(loop, limit), log_(log) {}
    void connection_made(Transport& transport) override {
        log_.begun = Clock::now();
        transport_ = &transport;
        IdleTimeout::connection_made(transport);
    }
    void data_received(std::string_view data) override {
        log_.heard = Clock::now();
        IdleTimeout::data_received(data);
        log_.received += data;
        transport_->write(data);
    }
    void connection_lost(std::exception_ptr error) override {
        IdleTimeout::connection_lost(error);
        log_.lost = Clock::now();
    }

  private:
    Log& log_;
    Transport* transport_ = nullptr; // owns us
};

struct Fixture {
    EventLoop loop;
    Connection connection;
    Socket& client = connection.client;
    Log log;
    std::optional<Transport> transport;

    explicit Fixture(std::chrono::nanoseconds limit) {
        transport.emplace(loop, std::move(connection.server),
                          std::make_unique<EchoProtocol>(loop, limit, log), [] {});
    }
};

} // namespace

TEST_CASE("a silent client is disconnected") {
    Fixture fixture(50ms);
    step("the limit is 50 ms; a client connects and says nothing");
    run_until(fixture.loop, [&] { return fixture.log.lost.has_value(); });
    CHECK(*fixture.log.lost - fixture.log.begun >= 50ms);
    CHECK(fixture.client.recv(100) == "");
}

TEST_CASE("a client that says something is served") {
    Fixture fixture(1h);
    step("the limit is an hour; a client connects and sends \"hello\"");
    fixture.client.send_all("hello");
    run_until(fixture.loop, [&] { return fixture.log.received == "hello"; });
    CHECK(fixture.client.recv(100) == "hello");
    CHECK(!fixture.log.lost);
}

TEST_CASE("the time counts from the last data") {
    for (int attempt = 0; attempt < 20; ++attempt) {
        Fixture fixture(100ms);
        step("the limit is 100 ms; a client connects, sends \"hello\" after 60 ms, and waits");
        fixture.loop.call_later(60ms, [&] {
            if (!fixture.log.lost) {
                fixture.client.send_all("hello");
            }
        });
        run_until(fixture.loop, [&] { return fixture.log.lost.has_value(); });
        if (fixture.log.received == "hello") {
            CHECK_MESSAGE(*fixture.log.lost - fixture.log.heard >= 100ms,
                          "the client was not silent, and lost its connection");
            return;
        }
        step("this machine was too slow for that: \"hello\" came after the limit; once more");
    }
    FAIL("the connection is always lost before the limit");
}

TEST_CASE("a timer that fires too early is set again for the rest") {
    for (int attempt = 0; attempt < 20; ++attempt) {
        Fixture fixture(100ms);
        step("the limit is 100 ms; a client connects, sends \"hello\" after 50 ms, and waits");
        fixture.loop.call_later(50ms, [&] {
            if (!fixture.log.lost) {
                fixture.client.send_all("hello");
            }
        });
        run_until(fixture.loop, [&] { return fixture.log.lost.has_value(); });
        bool was_heard_early = fixture.log.heard - fixture.log.begun < 70ms;
        if (fixture.log.received == "hello" && was_heard_early &&
            *fixture.log.lost - fixture.log.heard < 125ms) {
            return;
        }
        step("the connection was lost too late, or this machine was too slow; once more");
    }
    FAIL("the timer was set for the whole limit, and not for the rest of it");
}

TEST_CASE("no timer is left when the client goes first") {
    Fixture fixture(1ms);
    step("the limit is 1 ms; a client connects and leaves at once, and the server forgets it");
    fixture.connection.client.close();
    run_until(fixture.loop, [&] { return fixture.log.lost.has_value(); });
    fixture.transport.reset();
    step("the loop runs on for 20 ms");
    bool is_over = false;
    fixture.loop.call_later(20ms, [&] { is_over = true; });
    run_until(fixture.loop, [&] { return is_over; });
}

TEST_CASE("no timer is left when the server is destroyed") {
    Fixture fixture(10ms);
    step("the limit is 10 ms; a client connects, and the server is destroyed");
    run_until(fixture.loop, [&] { return fixture.log.begun != Clock::time_point(); });
    fixture.transport.reset();
    step("the loop runs on for 30 ms");
    bool is_over = false;
    fixture.loop.call_later(30ms, [&] { is_over = true; });
    run_until(fixture.loop, [&] { return is_over; });
    CHECK(!fixture.log.lost);
}
