// A Server: whom it accepts, what an error ends, and how it is closed.
#include "event_loop.hpp"
#include "protocol.hpp"

#include "tests/protocol_test.hpp"
#include "tests/testing.hpp"

#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("Protocol");

TEST_CASE("a protocol that throws loses its connection, and no other one") {
    ProtocolTest test;
    test.record.on_data = [](std::string_view) { throw std::runtime_error("broken"); };
    test.client->send_all("x");
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK(test.record.calls == "made data lost");
    CHECK_THROWS_WITH(std::rethrow_exception(test.record.error), "broken");
    CHECK(test.reports.size() == 1);

    test.record.calls.clear();
    test.record.on_eof = []() -> bool { throw std::runtime_error("broken, too"); };
    test.client = test.connect();
    test.client->shutdown_write();
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK(test.record.calls == "made eof lost");
    CHECK_THROWS_WITH(std::rethrow_exception(test.record.error), "broken, too");
}

TEST_CASE("a factory that returns no Protocol is reported, and the connection closed") {
    EventLoop loop;
    auto reports = reports_of(loop);
    auto server = create_server(
        loop, [] { return nullptr; }, "127.0.0.1", 0);
    Socket client = connect_to("127.0.0.1", port_of(server->address()));
    run_until(loop, [&] { return !reports->empty(); });
    CHECK(reports->front() == "exception in a callback of the event loop");
    CHECK(client.recv(1) == ""); // the end of the stream
}

TEST_CASE("without a free descriptor the server reports it, does not spin, and accepts later") {
    ProtocolTest test;
    Socket waiting = test.connect(); // is in the queue, not accepted yet
    int highest = ::dup(0);
    REQUIRE(highest != -1);
    ::close(highest);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit full = before;
    full.rlim_cur = static_cast<rlim_t>(highest); // no number below it is free
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &full) == 0);
    test.record.calls.clear();
    test.loop.call_later(50ms, [&] { test.loop.stop(); });
    test.loop.run_forever();
    CHECK(test.reports.size() == 1); // more, had it tried at once again
    CHECK(test.reports.front() == "cannot accept a connection");
    CHECK(test.record.calls == "");
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    run_until(test.loop, [&] { return test.record.calls == "made"; });
}

TEST_CASE(
    "a closed server accepts no client, and is done when its open connections have ended") {
    ProtocolTest test;
    bool is_closed = false;
    test.server->wait_closed([&] { is_closed = true; });
    test.server->close();
    CHECK_THROWS_AS(test.connect(), std::exception);
    test.client->send_all("x");
    run_until(test.loop, [&] { return test.record.received == "x"; });
    run_one_iteration(test.loop);
    CHECK_FALSE(is_closed);
    test.client.reset();
    run_until(test.loop, [&] { return is_closed; });
    CHECK(test.is_lost());
}

TEST_CASE("a Server may be destroyed after its loop was closed") {
    ProtocolTest test;
    test.server->wait_closed([] {});
    test.loop.close();
    test.server.reset(); // calls nothing, throws nothing
    CHECK(test.record.calls == "made");
}

TEST_CASE("a Server that is destroyed closes its connections") {
    ProtocolTest test;
    test.server.reset();
    CHECK(test.receive_all() == "");
    CHECK(test.record.calls == "made");
}

TEST_CASE("a Server whose listener is no good ends the loop with the error") {
    EventLoop loop;
    Socket listener = listen_on("127.0.0.1", 0);
    Socket client = connect_to("127.0.0.1", port_of(listener.address()));
    Record record;
    Server server(loop, listener.accept(), // which does not listen
                  [&] { return std::make_unique<RecordingProtocol>(record); });
    client.send_all("x");
    CHECK_THROWS_AS(loop.run_forever(), std::system_error);
    CHECK(record.calls == "");
}

TEST_SUITE_END();
