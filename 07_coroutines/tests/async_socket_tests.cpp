// What AsyncSocket guarantees.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "run.hpp"
#include "task.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"
#include "support/testing/unit_tests.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

using namespace std::chrono_literals;

namespace {

// Whether the coroutine throws an `Error`.
template <typename Error, typename T>
Coroutine<bool> throws(Coroutine<T> coroutine) {
    try {
        co_await coroutine;
    } catch (const Error&) {
        co_return true;
    }
    co_return false;
}

Coroutine<void> receive(AsyncSocket& socket, std::string& received) {
    received += co_await socket.recv(100);
}
Coroutine<void> send(AsyncSocket& socket, std::string data, bool& is_sent) {
    co_await socket.send_all(data);
    is_sent = true;
}

} // namespace

TEST_SUITE_BEGIN("async_socket.hpp");

TEST_CASE("sleep waits long enough, and other Tasks run meanwhile") {
    EventLoop loop;
    auto main = [&]() -> Coroutine<void> {
        bool has_run = false;
        auto run_soon = [&]() -> Coroutine<void> {
            co_await sleep(loop, 0ms);
            has_run = true;
        };
        Clock::time_point start = Clock::now();
        create_task(run_soon());
        CHECK_FALSE(has_run);
        co_await sleep(loop, 20ms);
        CHECK(Clock::now() - start >= 20ms);
        CHECK(has_run);
    };
    run_to_the_end(loop, main());
}

TEST_CASE("accept, send_all and recv, up to the end of the stream") {
    EventLoop loop;
    auto main = [&]() -> Coroutine<void> {
        AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
        std::optional<AsyncSocket> client(
            AsyncSocket(loop, connect_to("127.0.0.1", port_in(listener.address()))));
        CHECK(client->address() == listener.address());
        AsyncSocket server = co_await listener.accept();
        co_await client->send_all("hello");
        std::string first = co_await server.recv(3);
        std::string second = co_await server.recv(100);
        CHECK(first == "hel");
        CHECK(second == "lo");
        client.reset(); // its destructor closes it
        std::string last = co_await server.recv(100);
        CHECK(last == "");
        bool is_invalid = co_await throws<std::invalid_argument>(server.recv(0));
        CHECK(is_invalid);
        bool is_refused = co_await throws<std::system_error>(server.accept());
        CHECK(is_refused);
    };
    run_to_the_end(loop, main());
}

TEST_CASE("8 MB arrive whole, and a second operation of the same kind fails meanwhile") {
    EventLoop loop;
    std::string data(8 << 20, 'x'); // more than the kernel takes at once
    for (std::size_t i = 0; i < data.size(); i += 4093) {
        data[i] = static_cast<char>(i);
    }
    std::string got;
    auto main = [&]() -> Coroutine<void> {
        SocketPair pair;
        AsyncSocket ours(loop, std::move(pair.ours));
        AsyncSocket theirs(loop, std::move(pair.theirs));
        std::string greeting;
        bool is_sent = false;
        create_task(receive(ours, greeting));
        create_task(send(ours, data, is_sent));
        CHECK_FALSE(is_sent);
        bool is_recv_refused = co_await throws<std::logic_error>(ours.recv(100));
        CHECK(is_recv_refused);
        while (got.size() < data.size()) {
            if (!is_sent) {
                bool is_send_refused = co_await throws<std::logic_error>(ours.send_all("y"));
                REQUIRE(is_send_refused);
            }
            got += co_await theirs.recv(1 << 20);
        }
        co_await theirs.send_all("hello");
        co_await sleep(loop, 1ms);
        CHECK(is_sent);
        CHECK(greeting == "hello");
    };
    run_to_the_end(loop, main());
    CHECK((got == data)); // which doctest does not print then
}

TEST_CASE("an error of the selector is an exception of the operation") {
    SelectorCalls calls;
    EventLoop loop(std::make_unique<TestSelector>(calls));
    auto main = [&]() -> Coroutine<void> {
        SocketPair pair;
        AsyncSocket ours(loop, std::move(pair.ours));
        calls.before_change = [] { throw std::runtime_error("cannot watch it"); };
        bool is_error = co_await throws<std::runtime_error>(ours.recv(100));
        CHECK(is_error);
        calls.before_change = [] {};
        pair.theirs.send_all("hello");
        std::string data = co_await ours.recv(100);
        CHECK(data == "hello");
    };
    run_to_the_end(loop, main());
}

TEST_CASE("an accept that fails again and again lets the others run") {
    EventLoop loop;
    bool is_done = false;
    auto take_ten_turns = [&]() -> Coroutine<void> {
        for (int turn = 0; turn < 10; ++turn) {
            co_await sleep(loop, 0ms);
        }
        is_done = true;
    };
    auto main = [&]() -> Coroutine<void> {
        SocketPair pair;
        AsyncSocket socket(loop, std::move(pair.ours));
        pair.theirs.send_all("x"); // readable, and accept fails
        create_task(take_ten_turns());
        for (int tries = 0; !is_done && tries < 1000; ++tries) { // fails instead of hanging
            bool is_error = co_await throws<std::system_error>(socket.accept());
            CHECK(is_error);
        }
        CHECK(is_done);
    };
    run_to_the_end(loop, main());
}

TEST_CASE(
    "without a free descriptor accept tries again after 100 ms, and others run meanwhile") {
    EventLoop loop;
    CapturedErrors errors;
    std::optional<NoFreeDescriptor> none;
    auto free_later = [&]() -> Coroutine<void> {
        co_await sleep(loop, 20ms);
        none.reset();
    };
    auto main = [&]() -> Coroutine<void> {
        AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
        Socket client = connect_to("127.0.0.1", port_in(listener.address()));
        Clock::time_point start = Clock::now();
        none.emplace();
        create_task(free_later());
        AsyncSocket server = co_await listener.accept();
        CHECK(Clock::now() - start >= 100ms);
        co_await server.send_all("hello");
        CHECK(client.recv(5) == "hello");
    };
    run_to_the_end(loop, main());
    std::string reports = errors.text();
    CHECK(reports.find("Too many open files") != std::string::npos);
    CHECK(reports.find('\n') == reports.size() - 1); // once
}

TEST_CASE("a socket stays watched between two operations, and when it is moved") {
    SelectorCalls calls;
    EventLoop loop(std::make_unique<TestSelector>(calls));
    auto main = [&]() -> Coroutine<void> {
        SocketPair pair;
        AsyncSocket socket(loop, std::move(pair.ours));
        for (int i = 0; i < 100; ++i) {
            pair.theirs.send_all("x");
            std::string data = co_await socket.recv(100);
            REQUIRE(data == "x");
        }
        auto moved = std::make_unique<AsyncSocket>(std::move(socket));
        AsyncSocket again = std::move(*moved);
        moved.reset();
        pair.theirs.send_all("hello");
        std::string data = co_await again.recv(100);
        CHECK(data == "hello");
        CHECK(calls.changes == 2); // one is for the signals
    };
    run_to_the_end(loop, main());
}

TEST_CASE("a socket that is closed and used again in one turn gets no event of the old one") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        std::string log;
        std::optional<SocketPair> pairs[2] = {SocketPair(), SocketPair()};
        int numbers[2] = {pairs[0]->ours.fd(), pairs[1]->ours.fd()};
        std::optional<AsyncSocket> sockets[2];
        std::optional<SocketPair> reborn;
        auto replace = [&](int ours, int other) -> Coroutine<void> {
            sockets[ours].emplace(loop, std::move(pairs[ours]->ours));
            co_await sockets[ours]->recv(1);
            log += "old";
            sockets[other].reset(); // the Task that waits for it never continues
            reborn.emplace();       // gets the lowest numbers that are free
            REQUIRE(reborn->ours.fd() == numbers[other]);
            co_await Ready{loop, numbers[other], READ};
            log += "new";
        };
        auto main = [&]() -> Coroutine<void> {
            create_task(replace(0, 1));
            create_task(replace(1, 0));
            pairs[0]->theirs.send_all("x");
            pairs[1]->theirs.send_all("x");
            co_await sleep(loop, 1ms);
            CHECK(log == "old");
            reborn->theirs.send_all("x");
            co_await sleep(loop, 1ms);
            CHECK(log == "oldnew");
        };
        run_to_the_end(loop, main());
    }
}
