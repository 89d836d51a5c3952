// Receiving and sending: data, end of stream, errors, two tasks on one socket.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "run.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <doctest/doctest.h>

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

Coroutine<std::string> receive(AsyncSocket socket) {
    co_return co_await socket.recv(100);
}

Coroutine<std::size_t> receive_all(AsyncSocket socket) {
    std::size_t total = 0;
    while (true) {
        std::string data = co_await socket.recv(16384);
        if (data.empty()) {
            co_return total;
        }
        total += data.size();
    }
}

Coroutine<void> send(AsyncSocket socket, std::string data) {
    co_await socket.send_all(data);
}

} // namespace

TEST_SUITE_BEGIN("AsyncSocket");

TEST_CASE("recv gives data, is empty at the end of stream, and throws after a reset") {
    EventLoop loop;
    {
        Connection connection = Connection::open(loop);
        run_coroutine(loop, send(connection.theirs, "hello"));
        CHECK(run_coroutine(loop, receive(connection.ours)) == "hello");
    }
    Socket listener = listen_on("127.0.0.1", 0);
    {
        std::optional<Socket> theirs = connect_to("127.0.0.1", port_of(listener.address()));
        AsyncSocket ours(loop, listener.accept());
        theirs.reset();
        CHECK(run_coroutine(loop, receive(ours)) == "");
    }
    std::optional<Socket> theirs = connect_to("127.0.0.1", port_of(listener.address()));
    AsyncSocket ours(loop, listener.accept());
    run_coroutine(loop, send(ours, "unread"));
    Task<std::string> receiving = create_task(loop, receive(ours));
    run_one_iteration(loop);
    theirs.reset(); // with unread data: a reset
    CHECK_THROWS_AS(run_until_complete(loop, receiving), std::system_error);
}

TEST_CASE("recv of no bytes is an error and not the end of the stream") {
    struct Body {
        static Coroutine<void> receive_nothing(AsyncSocket socket) { co_await socket.recv(0); }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_coroutine(loop, send(connection.theirs, "hello"));
    CHECK_THROWS_AS(run_coroutine(loop, Body::receive_nothing(connection.ours)),
                    std::invalid_argument);
    CHECK(run_coroutine(loop, receive(connection.ours)) == "hello");
}

TEST_CASE("two tasks read and write the same socket at once, and a third one is refused") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    std::string data(4 << 20, 'x');
    Task<std::size_t> ours = create_task(loop, receive_all(connection.ours));
    Task<std::size_t> theirs = create_task(loop, receive_all(connection.theirs));
    Task<void> sending = create_task(loop, send(connection.ours, data));
    run_one_iteration(loop);
    CHECK_THROWS_AS(run_coroutine(loop, receive(connection.ours)), std::logic_error);
    run_coroutine(loop, send(connection.theirs, data));
    run_until_complete(loop, sending);
    CHECK_FALSE(ours.done());
    cancel_all_tasks(loop);
    CHECK(ours.cancelled());
}

TEST_CASE("an operation keeps its socket open") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    AsyncSocket theirs = connection.theirs;
    auto receiving = AsyncSocket(connection.ours).recv(100); // that one is gone
    connection = Connection{theirs, theirs};
    Task<std::string> task = create_task(loop, std::move(receiving));
    run_coroutine(loop, send(theirs, "hello"));
    CHECK(run_until_complete(loop, task) == "hello");
    CHECK(run_coroutine(loop, receive(theirs)) == ""); // now it is closed
}

TEST_CASE("a second sender is refused before anything of it is sent") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    std::string data(8 << 20, 'x');
    Task<void> first = create_task(loop, send(connection.ours, data));
    run_one_iteration(loop);
    REQUIRE_FALSE(first.done());
    Task<std::size_t> received = create_task(loop, receive_all(connection.theirs));
    run_one_iteration(loop);
    run_one_iteration(loop); // now there is room again
    CHECK_THROWS_AS(run_coroutine(loop, send(connection.ours, "y")), std::logic_error);
    run_until_complete(loop, first);
    connection.ours = connection.theirs; // closes it
    CHECK(run_until_complete(loop, received) == data.size());
}

TEST_CASE("a task that only sends lets the others have their turn") {
    struct Body {
        static Coroutine<void> send_for_ever(AsyncSocket socket, int& sent) {
            while (true) {
                co_await socket.send_all("x");
                ++sent;
            }
        }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    int sent = 0;
    Task<void> task = create_task(loop, Body::send_for_ever(connection.ours, sent));
    run_one_iteration(loop);
    CHECK(sent < 100); // the kernel would have taken many more
    int sent_before = sent;
    run_until(loop, [&] { return sent > sent_before; }); // and it continues
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
}

TEST_CASE("8 MB arrive whole") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    std::string data(8 << 20, 'x');
    for (std::size_t i = 0; i < data.size(); i += 4093) {
        data[i] = static_cast<char>(i);
    }
    struct Body {
        static Coroutine<std::string> receive(AsyncSocket socket, std::size_t size) {
            std::string received;
            while (received.size() < size) {
                received += co_await socket.recv(100'000);
            }
            co_return received;
        }
    };
    Task<void> sent = create_task(loop, connection.ours.send_all(data));
    run_one_iteration(loop);
    CHECK_FALSE(sent.done());
    CHECK(run_coroutine(loop, Body::receive(connection.theirs, data.size())) == data);
    run_until_complete<void>(loop, sent);
}

TEST_CASE("data that no task waits for does not make the loop spin") {
    int iterations = 0;
    EventLoop loop(std::make_unique<CountingSelector>(iterations));
    Connection connection = Connection::open(loop);
    run_coroutine(loop, send(connection.theirs, "x"));
    CHECK(run_coroutine(loop, receive(connection.ours)) == "x"); // it stays registered
    run_coroutine(loop, send(connection.theirs, "hello"));
    iterations = 0;
    run_coroutine(loop, sleep(50ms));
    CHECK(iterations < 10);
    CHECK(run_coroutine(loop, receive(connection.ours)) == "hello");
}

TEST_SUITE_END();
