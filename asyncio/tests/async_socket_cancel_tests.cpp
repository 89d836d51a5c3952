// Cancelled operations: prompt, and nothing is lost.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <system_error>

#include <sys/socket.h>
#include <unistd.h>

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

TEST_CASE("a cancelled recv removes its reader, and the next one gets the data whole") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Task<std::string> cancelled = create_task(loop, receive(connection.ours));
    run_one_iteration(loop);
    cancelled.cancel();
    cancelled.cancel(); // a second request changes nothing
    CHECK_THROWS_AS(run_until_complete(loop, cancelled), CancelledError);
    Task<std::string> second = create_task(loop, receive(connection.ours));
    run_coroutine(loop, send(connection.theirs, "hello"));
    CHECK(run_until_complete(loop, second) == "hello");
}

TEST_CASE("a recv that is cancelled in the iteration in which data comes loses nothing") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Task<std::string> cancelled = create_task(loop, receive(connection.ours));
    run_one_iteration(loop);
    run_coroutine(loop, send(connection.theirs, "hello"));
    if (cancelled.cancel()) {
        CHECK_THROWS_AS(run_until_complete(loop, cancelled), CancelledError);
        CHECK(run_coroutine(loop, receive(connection.ours)) == "hello");
    } else {
        CHECK(cancelled.result() == "hello");
    }
}

TEST_CASE("a cancelled send sends no more") {
    EventLoop loop;
    auto reports = reports_of(loop);
    Connection connection = Connection::open(loop);
    const std::string data(20 << 20, 'x');
    Task<void> sending = create_task(loop, connection.ours.send_all(data));
    run_one_iteration(loop);
    sending.cancel();
    CHECK_THROWS_AS(run_until_complete<void>(loop, sending), CancelledError);
    Task<std::size_t> received = create_task(loop, receive_all(connection.theirs));
    run_coroutine(loop, send(connection.ours, "y")); // nothing is in its way
    connection.ours = connection.theirs;             // closes it
    std::size_t size = run_until_complete(loop, received);
    CHECK(size > 1);
    CHECK(size < data.size());
    CHECK(reports->empty());
}

TEST_CASE("a cancelled connect or accept gives up its socket") {
    EventLoop loop;
    std::optional<AsyncSocket> listener(AsyncSocket(loop, listen_on("127.0.0.1", 0)));
    Endpoint endpoint = resolve("127.0.0.1", port_of(listener->address())).front();
    auto reports = reports_of(loop);

    Task<AsyncSocket> connected = create_task(loop, AsyncSocket::connect(endpoint));
    run_one_iteration(loop); // now it waits for the connection, which is there
    connected.cancel();
    CHECK_THROWS_AS(run_until_complete<AsyncSocket>(loop, connected), CancelledError);
    AsyncSocket dropped = run_coroutine(loop, listener->accept());
    CHECK(run_coroutine(loop, receive(dropped)) == ""); // it was closed

    Task<AsyncSocket> accepted = create_task(loop, listener->accept());
    run_one_iteration(loop);
    accepted.cancel();
    CHECK_THROWS_AS(run_until_complete<AsyncSocket>(loop, accepted), CancelledError);
    listener.reset(); // closed now, although no client has come
    CHECK_THROWS_AS(run_coroutine(loop, AsyncSocket::connect(endpoint)), std::system_error);
    CHECK(reports->empty());
}

#ifdef __linux__ // where a full queue of connections lets the next one wait
TEST_CASE("a cancelled connect that no server answers is closed at once") {
    EventLoop loop;
    Socket listener = listen_on("127.0.0.1", 0);
    ::listen(listener.fd(), 0); // a queue of one
    Socket in_the_queue = connect_to("127.0.0.1", port_of(listener.address()));
    int next_descriptor = ::dup(0);
    ::close(next_descriptor);
    {
        Endpoint endpoint = resolve("127.0.0.1", port_of(listener.address())).front();
        Task<AsyncSocket> connected = create_task(loop, AsyncSocket::connect(endpoint));
        run_one_iteration(loop);
        run_one_iteration(loop);
        REQUIRE_FALSE(connected.done());
        connected.cancel();
        CHECK_THROWS_AS(run_until_complete<AsyncSocket>(loop, connected), CancelledError);
    }
    int lowest = ::dup(0);
    ::close(lowest);
    CHECK(lowest == next_descriptor);
}
#endif

TEST_CASE("operations that are pending when the loop is closed do not leak") {
    std::string log;
    {
        EventLoop loop;
        auto reports = reports_of(loop);
        struct Body {
            static Coroutine<void> receive(AsyncSocket socket, std::string& log) {
                Witness witness{log, 'r'};
                co_await socket.recv(100);
            }
            static Coroutine<void> send(AsyncSocket socket, std::string& log) {
                Witness witness{log, 's'};
                std::string data(20 << 20, 'x');
                co_await socket.send_all(data);
            }
        };
        Connection connection = Connection::open(loop);
        create_task(loop, Body::receive(connection.ours, log));
        create_task(loop, Body::send(connection.ours, log));
        run_one_iteration(loop);
        CHECK(log == "");
    }
    CHECK(log == "rs");
}

TEST_SUITE_END();
