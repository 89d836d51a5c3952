// accept and connect.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"
#include "timeout.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include "common/log.hpp"
#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

Coroutine<std::string> receive(AsyncSocket socket) {
    co_return co_await socket.recv(100);
}

Coroutine<void> send(AsyncSocket socket, std::string data) {
    co_await socket.send_all(data);
}

} // namespace

TEST_SUITE_BEGIN("AsyncSocket");

TEST_CASE("accept gives a non-blocking socket and the right address") {
    struct Body {
        static Coroutine<AsyncSocket> accept(AsyncSocket listener) {
            co_return co_await listener.accept();
        }
    };
    EventLoop loop;
    AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
    Task<AsyncSocket> accepting = create_task(loop, Body::accept(listener));
    Socket client = connect_to("127.0.0.1", port_of(listener.address()));
    AsyncSocket server = run_until_complete(loop, static_cast<Future<AsyncSocket>>(accepting));
    CHECK(server.address().starts_with("127.0.0.1:"));
    CHECK(port_of(server.address()) != port_of(listener.address()));
    // Receiving from it does not block the loop.
    Task<std::string> receiving = create_task(loop, receive(server));
    run_one_iteration(loop);
    client.send_all("hello");
    CHECK(run_until_complete(loop, receiving) == "hello");
}

TEST_CASE("connect fails where no server listens, and accept can be given a timeout") {
    struct Body {
        static Coroutine<void> accept_with_timeout(AsyncSocket listener) {
            co_await wait_for(listener.accept(), 5ms);
        }
        static Coroutine<void> connect(std::uint16_t port) {
            co_await AsyncSocket::connect(resolve("127.0.0.1", port).front());
        }
    };
    EventLoop loop;
    std::uint16_t port = 0;
    {
        AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
        port = port_of(listener.address());
        run_coroutine(loop, Body::connect(port));
        { // takes that connection out of the queue, so that the next accept has to wait
            struct Accept {
                static Coroutine<void> one(AsyncSocket socket) { co_await socket.accept(); }
            };
            run_coroutine(loop, Accept::one(listener));
        }
        CHECK_THROWS_AS(run_coroutine(loop, Body::accept_with_timeout(listener)), TimeoutError);
    }
    CHECK_THROWS_AS(run_coroutine(loop, Body::connect(port)), std::system_error);
}

TEST_CASE("accept of a socket that does not listen fails") {
    struct Body {
        static Coroutine<void> accept(AsyncSocket socket) { co_await socket.accept(); }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_coroutine(loop, send(connection.theirs, "x"));
    CHECK_THROWS_AS(run_coroutine(loop, Body::accept(connection.ours)), std::system_error);
}

TEST_CASE("an accept that fails again and again lets the others run") {
    struct Body {
        static Coroutine<void> accept_in_vain(AsyncSocket socket, const bool& is_done) {
            for (int tries = 0; !is_done && tries < 1000; ++tries) { // fails instead of hanging
                try {
                    co_await socket.accept();
                } catch (const std::system_error&) {
                }
            }
        }
        static Coroutine<void> take_ten_turns(bool& is_done) {
            for (int turn = 0; turn < 10; ++turn) {
                co_await sleep(0ms);
            }
            is_done = true;
        }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_coroutine(loop, send(connection.theirs, "x")); // readable, and accept fails
    bool is_done = false;
    Task<void> accepting = create_task(loop, Body::accept_in_vain(connection.ours, is_done));
    create_task(loop, Body::take_ten_turns(is_done));
    run_until_complete(loop, accepting);
    CHECK(is_done);
}

TEST_CASE("an accept cancelled without a descriptor leaves the next one alone") {
    EventLoop loop;
    AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
    Socket client = connect_to("127.0.0.1", port_of(listener.address()));
    Task<AsyncSocket> first = create_task(loop, listener.accept());
    run_one_iteration(loop); // now it waits
    int next_descriptor = ::dup(0);
    REQUIRE(next_descriptor != -1);
    ::close(next_descriptor);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit full = before;
    full.rlim_cur = static_cast<rlim_t>(next_descriptor);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &full) == 0);
    set_quiet(true);
    run_one_iteration(loop); // fails, and will try again after 100 ms
    set_quiet(false);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(first.done());
    first.cancel();
    run_coroutine(loop, listener.accept());
    Task<AsyncSocket> third = create_task(loop, listener.accept());
    run_coroutine(loop, sleep(110ms)); // the time of the other try has passed
    CHECK_FALSE(third.done());
    Socket second_client = connect_to("127.0.0.1", port_of(listener.address()));
    AsyncSocket server = run_until_complete<AsyncSocket>(loop, third);
    CHECK(server.address() != listener.address());
}

TEST_SUITE_END();
