// What Future and AsyncSocket guarantee; the tests of the event loop are in stage 04.
#include "async_socket.hpp"
#include "event_loop.hpp"
#include "future.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"
#include "support/testing/unit_tests.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

std::exception_ptr error(const std::string& text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

// Runs the loop until the Future is done; returns its value, or throws its exception.
template <typename T>
T result_of(EventLoop& loop, const Future<T>& future) {
    run_until(loop, [&] { return future.done(); });
    return static_cast<T>(future.result());
}

// Two ends of a connection, in the same loop.
struct Connection {
    AsyncSocket ours;
    AsyncSocket theirs;
    Connection(EventLoop& loop, SocketPair pair = {})
        : ours(loop, std::move(pair.ours)), theirs(loop, std::move(pair.theirs)) {}
};

Endpoint endpoint_of(const std::string& address) {
    return resolve("127.0.0.1", port_in(address)).front();
}

const std::string MUCH(20 << 20, 'x'); // more than the kernel takes at once

} // namespace

TEST_SUITE_BEGIN("future.hpp");

TEST_CASE("a Future gets its result once, keeps it, and copies share it") {
    EventLoop loop;
    Future<std::string> future(loop);
    Future<std::string> copy = future;
    CHECK_FALSE(copy.done());
    CHECK_THROWS_AS(copy.result(), std::logic_error); // too early
    future.set_result("data");
    CHECK(copy.done());
    CHECK(copy.result() == "data");
    CHECK(copy.result() == "data");
    CHECK_THROWS_AS(copy.set_result("other"), std::logic_error);
    CHECK_THROWS_AS(copy.set_exception(error("E")), std::logic_error);
    CHECK(future.result() == "data");
}

TEST_CASE("a Future with an exception throws it from result, each time") {
    EventLoop loop;
    Future<void> future(loop);
    future.set_exception(error("broken"));
    CHECK(future.done());
    CHECK_THROWS_WITH(future.result(), "broken");
    CHECK_THROWS_WITH(future.result(), "broken");
    CHECK_THROWS_AS(future.set_result(), std::logic_error);
}

TEST_CASE("a result that can only be moved is moved out of the Future") {
    EventLoop loop;
    Future<std::unique_ptr<int>> future(loop);
    future.set_result(std::make_unique<int>(42));
    std::unique_ptr<int> value = std::move(future.result());
    CHECK(*value == 42);
}

TEST_CASE("callbacks are called by the loop, in order, and never inside set_result") {
    std::vector<std::function<void(const Future<int>&)>> ways_to_finish = {
        [](const Future<int>& future) { future.set_result(1); },
        [](const Future<int>& future) { future.set_exception(error("E")); }};
    for (auto& finish : ways_to_finish) {
        EventLoop loop;
        Future<int> future(loop);
        std::string log;
        for (char name : {'A', 'B'}) {
            future.add_done_callback([&log, name](const Future<int>& done) {
                CHECK(done.done());
                log += name;
            });
        }
        run_one_turn(loop);
        CHECK(log == "");
        finish(future);
        CHECK(log == "");
        run_one_turn(loop);
        CHECK(log == "AB");
        run_one_turn(loop);
        CHECK(log == "AB");
    }
}

TEST_CASE("a callback that is added when the Future is done is called in the next turn") {
    EventLoop loop;
    Future<int> future(loop);
    future.set_result(1);
    std::string log;
    loop.call_soon([&] {
        future.add_done_callback([&](const Future<int>&) { log += "callback"; });
        log += "added ";
    });
    run_one_turn(loop);
    CHECK(log == "added ");
    run_one_turn(loop);
    CHECK(log == "added callback");
}

TEST_CASE("a callback that throws is reported, and the others are called") {
    EventLoop loop;
    Future<int> future(loop);
    bool has_run = false;
    future.add_done_callback([](const Future<int>& done) { done.result(); });
    future.add_done_callback([&](const Future<int>&) { has_run = true; });
    future.set_exception(error("unread"));
    CapturedErrors errors;
    run_one_turn(loop);
    CHECK(errors.text() == "exception in a callback of the event loop: unread\n");
    CHECK(has_run);
}

TEST_CASE("100,000 Futures that finish one another need no stack") {
    EventLoop loop;
    std::vector<Future<int>> futures(1, Future<int>(loop));
    for (int i = 1; i < 100'000; ++i) {
        Future<int> next(loop);
        futures.back().add_done_callback(
            [next](const Future<int>& done) { next.set_result(done.result() + 1); });
        futures.push_back(next);
    }
    futures.front().set_result(1);
    CHECK(result_of(loop, futures.back()) == 100'000);
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("async_socket.hpp");

TEST_CASE("sleep is done when its time has come, and not before") {
    EventLoop loop;
    Clock::time_point start = Clock::now();
    Future<void> longer = sleep(loop, 1h);
    result_of(loop, sleep(loop, 20ms));
    CHECK(Clock::now() - start >= 20ms);
    CHECK_FALSE(longer.done());
}

TEST_CASE("connect, accept, send_all and recv, up to the end of the stream") {
    EventLoop loop;
    std::optional<AsyncSocket> listener(AsyncSocket(loop, listen_on("127.0.0.1", 0)));
    Endpoint endpoint = endpoint_of(listener->address());
    Future<AsyncSocket> accepted = listener->accept();
    std::optional<AsyncSocket> client(result_of(loop, AsyncSocket::connect(loop, endpoint)));
    AsyncSocket server = result_of(loop, accepted);
    CHECK(client->address() == listener->address());
    Future<std::string> received = server.recv(3);
    run_one_turn(loop);
    CHECK_FALSE(received.done());
    CHECK(client->send_all("hello").done()); // at once
    CHECK(result_of(loop, received) == "hel");
    CHECK(result_of(loop, server.recv(100)) == "lo");
    client.reset(); // the last handle: it is closed
    CHECK(result_of(loop, server.recv(100)) == "");

    listener.reset();
    CHECK_THROWS_AS(result_of(loop, AsyncSocket::connect(loop, endpoint)), std::system_error);
}

// first_of of README.md, *Why a value?*
Future<std::string> first_of(EventLoop& loop, Future<std::string> a, Future<std::string> b) {
    Future<std::string> first(loop);
    auto decide = [first](const Future<std::string>& done) {
        if (!first.done()) {
            first.set_result(done.result());
        }
    };
    a.add_done_callback(decide);
    b.add_done_callback(decide);
    return first;
}

TEST_CASE("the slower one of two Futures gets its result, which is ignored") {
    EventLoop loop;
    Connection tokyo(loop);
    Connection paris(loop);
    Future<std::string> slow = tokyo.ours.recv(4096);
    std::vector<std::string> shown;
    Future<std::string> first = first_of(loop, slow, paris.ours.recv(4096));
    first.add_done_callback(
        [&](const Future<std::string>& done) { shown.push_back(done.result()); });
    paris.theirs.send_all("from Paris").result();
    CHECK(result_of(loop, first) == "from Paris");
    tokyo.theirs.send_all("from Tokyo").result();
    CHECK(result_of(loop, slow) == "from Tokyo");
    bool is_later = false;
    loop.call_soon([&] { is_later = true; });
    run_until(loop, [&] { return is_later; });
    CHECK(shown == std::vector<std::string>{"from Paris"});
}

TEST_CASE("8 MB arrive whole") {
    EventLoop loop;
    Connection connection(loop);
    std::string data(8 << 20, 'x');
    for (std::size_t i = 0; i < data.size(); i += 4093) {
        data[i] = static_cast<char>(i);
    }
    Future<void> sent = connection.ours.send_all(data);
    CHECK_FALSE(sent.done());
    std::string received;
    std::function<void()> receive = [&] {
        connection.theirs.recv(100'000).add_done_callback([&](const Future<std::string>& part) {
            received += part.result();
            received.size() < data.size() ? receive() : loop.stop();
        });
    };
    receive();
    loop.call_later(20s, [&] { loop.stop(); }); // instead of hanging
    loop.run_forever();
    CHECK((received == data)); // which doctest does not print then
    CHECK(sent.done());
}

TEST_CASE("a second operation of the same kind fails, and the first one goes on") {
    EventLoop loop;
    Connection connection(loop);
    Future<std::string> first = connection.ours.recv(100);
    CHECK_THROWS_AS(connection.ours.recv(100).result(), std::logic_error);
    Future<void> sending = connection.ours.send_all(MUCH);
    CHECK_THROWS_AS(connection.ours.send_all("y").result(), std::logic_error);
    CHECK(connection.theirs.send_all("hello").done());
    CHECK(result_of(loop, first) == "hello");
    std::size_t received = 0;
    while (!sending.done()) {
        CHECK_THROWS_AS(connection.ours.send_all("y").result(), std::logic_error);
        std::string part = result_of(loop, connection.theirs.recv(1 << 20));
        received += part.size();
        REQUIRE(part.find('y') == std::string::npos);
    }
    CHECK(received > 1000);
    connection.ours.shutdown(); // what is left
}

TEST_CASE("what fails is an exception of the Future, and not of the call") {
    EventLoop loop;
    Connection connection(loop);
    CHECK(connection.theirs.send_all("x").done());
    CHECK_THROWS_AS(result_of(loop, connection.ours.recv(0)), std::invalid_argument);
    CHECK_THROWS_AS(result_of(loop, connection.ours.accept()), std::system_error);
    connection.theirs.shutdown();
    CHECK_THROWS_AS(connection.ours.send_all("x").result(), std::system_error);

    SelectorCalls calls;
    EventLoop failing(std::make_unique<TestSelector>(calls));
    Connection not_watched(failing);
    calls.before_change = [] { throw std::runtime_error("cannot watch it"); };
    CHECK_THROWS_WITH(not_watched.ours.recv(100).result(), "cannot watch it");
    calls.before_change = [] {};
    CHECK(not_watched.theirs.send_all("hello").done());
    CHECK(result_of(failing, not_watched.ours.recv(100)) == "hello");
}

TEST_CASE("shutdown ends an operation that waits") {
    EventLoop loop;
    Connection connection(loop);
    Future<std::string> received = connection.ours.recv(100);
    connection.ours.shutdown();
    CHECK(result_of(loop, received) == "");
}

TEST_CASE(
    "without a free descriptor accept tries again after 100 ms, and others run meanwhile") {
    EventLoop loop;
    AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
    Future<AsyncSocket> accepted = listener.accept();
    Socket client = connect_to("127.0.0.1", port_in(listener.address()));
    CapturedErrors errors;
    Clock::time_point start = Clock::now();
    {
        NoFreeDescriptor none;
        result_of(loop, sleep(loop, 20ms));
        CHECK_FALSE(accepted.done());
    }
    AsyncSocket server = result_of(loop, accepted);
    CHECK(Clock::now() - start >= 100ms);
    std::string reports = errors.text();
    CHECK(reports.find("Too many open files") != std::string::npos);
    CHECK(reports.find('\n') == reports.size() - 1); // once
    CHECK(server.send_all("hello").done());
    CHECK(client.recv(5) == "hello");
}

TEST_CASE("a socket that is closed and used again in one turn gets no event of the old one") {
    for (bool is_ready : {false, true}) { // the old one, when it is closed
        for (const std::string& name : selector_names()) {
            CAPTURE(name);
            EventLoop loop(make_selector(name));
            std::optional<Connection> old[2] = {Connection(loop), Connection(loop)};
            std::optional<Connection> reborn;
            std::optional<Future<std::string>> received;
            auto replace = [&](std::optional<Connection>& other) {
                other.reset(); // the last handles: it is closed
                reborn.emplace(loop);
                received = reborn->ours.recv(100);
            };
            CHECK(old[1]->theirs.send_all("x").done());
            CHECK(result_of(loop, old[1]->ours.recv(1)) == "x"); // it is watched from now on
            old[0]->ours.recv(1).add_done_callback([&](auto&) { replace(old[1]); });
            CHECK(old[0]->theirs.send_all("x").done());
            if (is_ready) {
                CHECK(old[1]->theirs.send_all("x").done());
            }
            run_until(loop, [&] { return received.has_value(); });
            run_one_turn(loop);
            CHECK_FALSE(received->done());
            CHECK(reborn->theirs.send_all("new").done());
            CHECK(result_of(loop, *received) == "new");
        }
    }
}

TEST_CASE("a socket stays watched between two operations, and does not wake the loop again and "
          "again") {
    SelectorCalls calls;
    EventLoop loop(std::make_unique<TestSelector>(calls));
    Connection connection(loop);
    for (int i = 0; i < 100; ++i) {
        CHECK(connection.theirs.send_all("x").done());
        CHECK(result_of(loop, connection.ours.recv(100)) == "x");
    }
    CHECK(calls.changes == 1);
    CHECK(connection.theirs.send_all("hello").done());
    calls.waits = 0;
    result_of(loop, sleep(loop, 20ms));
    CHECK(calls.waits < 50);
    CHECK(calls.changes == 2);
    CHECK(result_of(loop, connection.ours.recv(100)) == "hello");
}

TEST_CASE("closing the loop destroys what waits, with the sockets that it owns") {
    auto captured = std::make_shared<int>(0);
    SocketPair pair;
    EventLoop loop;
    AsyncSocket ours(loop, std::move(pair.ours));
    ours.recv(100).add_done_callback([ours, captured](auto&) {});
    ours.send_all(MUCH).add_done_callback([ours, captured](auto&) {});
    sleep(loop, 1h).add_done_callback([ours, captured](auto&) {});
    ours = AsyncSocket(loop, std::move(SocketPair().ours)); // ours was not the last handle
    CHECK(captured.use_count() == 4);
    loop.close();
    CHECK(captured.use_count() == 1);
    while (!pair.theirs.try_recv(1 << 20).value().empty()) {
    }
}
