// What completions add. The tests of asyncio/tests/async_socket_*.cpp run on them, too.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "ring.hpp"
#include "run.hpp"
#include "task.hpp"

#include "tests/testing.hpp"

#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// Receives into a frame that is gone as soon as the task is.
Coroutine<std::string> receive(AsyncSocket socket) {
    co_return co_await socket.recv(100);
}

// The same for what is sent. More than the kernel takes, where no peer receives.
Coroutine<void> send(AsyncSocket socket, std::string data) {
    co_await socket.send_all(data);
}

Coroutine<std::string> receive_all(AsyncSocket socket) {
    std::string all;
    for (std::string data; !(data = co_await socket.recv(16384)).empty();) {
        all += data;
    }
    co_return all;
}

Coroutine<void> accept_one(AsyncSocket listener) {
    co_await listener.accept();
}

// A connection, of which the loop has one end.
struct Pair {
    AsyncSocket ours;
    Socket theirs;

    static Pair open(EventLoop& loop) {
        Socket listener = listen_on("127.0.0.1", 0);
        Socket theirs = connect_to("127.0.0.1", port_of(listener.address()));
        AsyncSocket ours(loop, listener.accept());
        theirs.set_blocking(false);
        return {std::move(ours), std::move(theirs)};
    }

    // Where the kernel soon takes no more, if the other end does not receive.
    static Pair open_narrow(EventLoop& loop) {
        SocketPair pair;
        int small = 4096;
        ::setsockopt(pair.ours.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        return {AsyncSocket(loop, std::move(pair.ours)), std::move(pair.theirs)};
    }
};

std::vector<Pair> open_many(EventLoop& loop, std::size_t count, Pair (*open)(EventLoop&)) {
    REQUIRE(raise_descriptor_limit() > 2 * count + 50);
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < count; ++i) {
        pairs.push_back(open(loop));
    }
    return pairs;
}

// Lets all tasks start, and their requests go out.
void run_some_iterations(EventLoop& loop) {
    for (int i = 0; i < 3; ++i) {
        run_one_iteration(loop);
    }
}

std::vector<Socket> close_ours(EventLoop& loop, std::vector<Pair> pairs) {
    std::vector<Socket> peers;
    for (Pair& pair : pairs) {
        peers.push_back(std::move(pair.theirs));
    }
    pairs.clear();
    run_some_iterations(loop);
    return peers;
}

std::string receive_until_end(Socket& socket) {
    std::string all;
    socket.set_blocking(true);
    for (std::string data; !(data = socket.recv(16384)).empty();) {
        all += data;
    }
    return all;
}

} // namespace

TEST_SUITE_BEGIN("completion");

TEST_CASE("the requests of one turn go out with one system call") {
    EventLoop loop;
    std::vector<Pair> pairs = open_many(loop, 200, Pair::open);
    std::size_t before = Ring::of(loop)->flushes();
    for (const Pair& pair : pairs) {
        create_task(loop, receive(pair.ours));
    }
    run_some_iterations(loop);
    CHECK(Ring::of(loop)->flushes() == before + 1);
    cancel_all_tasks(loop);
}

TEST_CASE("a thousand receives are cancelled in flight, and what comes then is not lost") {
    EventLoop loop;
    std::vector<Pair> pairs = open_many(loop, 1000, Pair::open_narrow);
    for (const Pair& pair : pairs) {
        create_task(loop, receive(pair.ours));
    }
    run_some_iterations(loop);
    cancel_all_tasks(loop); // their frames are destroyed
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        pairs[i].theirs.try_send("message " + std::to_string(i));
    }
    run_some_iterations(loop); // the kernel writes to where the requests wanted it
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        CHECK(run_coroutine(loop, receive(pairs[i].ours)) == "message " + std::to_string(i));
    }
    std::vector<Socket> peers = close_ours(loop, std::move(pairs));
    for (Socket& peer : peers) { // although the kernel was still receiving
        CHECK(wait_for(peer.fd(), POLLIN, patience));
        CHECK(peer.try_recv(1) == "");
    }
}

TEST_CASE("a thousand sends are cancelled in flight, and each sends no byte of other memory") {
    EventLoop loop;
    std::vector<Pair> pairs = open_many(loop, 1000, Pair::open_narrow);
    for (const Pair& pair : pairs) {
        create_task(loop, send(pair.ours, std::string(50'000, 'x')));
    }
    run_some_iterations(loop);
    CHECK(tasks_of(loop).size() == pairs.size()); // none is done
    for (const auto& [number, task] : tasks_of(loop)) {
        task->as_future().cancel();
    }
    // Meanwhile there is room, so the kernel could take more of what it was given.
    std::vector<std::string> received;
    for (Pair& pair : pairs) {
        received.push_back(pair.theirs.try_recv(4096).value_or(""));
    }
    cancel_all_tasks(loop);
    CHECK_FALSE(Ring::of(loop)->is_closed()); // as a frame does that is destroyed too early
    std::vector<std::string> others(1000, std::string(50'000, 'y')); // in their place
    std::vector<Socket> peers = close_ours(loop, std::move(pairs));
    for (std::size_t i = 0; i < peers.size(); ++i) {
        received[i] += receive_until_end(peers[i]);
        CHECK(received[i].size() > 0);
        CHECK(received[i].size() < 50'000);
        CHECK(received[i].find_first_not_of('x') == std::string::npos);
    }
}

TEST_CASE("a loop that is closed with a thousand operations in flight") {
    std::vector<Socket> peers;
    {
        EventLoop loop;
        auto reports = reports_of(loop);
        std::vector<Pair> pairs = open_many(loop, 500, Pair::open_narrow);
        for (Pair& pair : pairs) {
            create_task(loop, receive(pair.ours));
            create_task(loop, send(pair.ours, std::string(50'000, 'x')));
            peers.push_back(std::move(pair.theirs));
        }
        run_some_iterations(loop);
    }
    for (Socket& peer : peers) { // all of them are closed now
        CHECK(receive_until_end(peer).size() < 50'000);
    }
}

TEST_CASE("more clients than the ring has buffers, and all data comes whole") {
    EventLoop loop;
    std::vector<Pair> pairs = open_many(loop, 300, Pair::open);
    std::vector<Task<std::string>> tasks;
    for (const Pair& pair : pairs) {
        tasks.push_back(create_task(loop, receive_all(pair.ours)));
    }
    run_some_iterations(loop);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        pairs[i].theirs.try_send(std::string(10'000, static_cast<char>('a' + i % 26)));
        pairs[i].theirs.shutdown_write();
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        std::string data = run_until_complete<std::string>(loop, tasks[i]);
        CHECK(data.size() == 10'000);
        CHECK(data.find_first_not_of(static_cast<char>('a' + i % 26)) == std::string::npos);
    }
}

TEST_CASE("a peer that is not read has to wait, although the kernel receives for us") {
    EventLoop loop;
    Pair pair = Pair::open(loop);
    Task<std::string> first = create_task(loop, receive(pair.ours));
    run_some_iterations(loop);
    const std::string piece(4096, 'x');
    std::size_t sent = 0;
    for (int silent = 0; silent < 10;) { // until nothing goes through any more
        std::size_t now = pair.theirs.try_send(piece).value_or(0);
        silent = now == 0 ? silent + 1 : 0;
        sent += now;
        REQUIRE(sent < 16 << 20);
        run_one_iteration(loop);
    }
    pair.theirs.shutdown_write();
    std::size_t received = run_until_complete<std::string>(loop, first).size();
    received += run_coroutine(loop, receive_all(pair.ours)).size();
    CHECK(received == sent);
}

TEST_CASE("a listener that has gone wrong ends accept") {
    EventLoop loop;
    Socket socket = listen_on("127.0.0.1", 0);
    int same = ::dup(socket.fd());
    AsyncSocket listener(loop, std::move(socket));
    Task<void> accepting = create_task(loop, accept_one(listener));
    run_some_iterations(loop);
    ::shutdown(same, SHUT_RDWR); // so accept is EINVAL
    ::close(same);
    CHECK_THROWS_AS(run_until_complete<void>(loop, accepting), std::system_error);
}

TEST_CASE("where io_uring is missing the program says so and ends with status 77") {
    Finished run =
        run_program("/usr/bin/env", {"IO_URING=off", PROGRAMS "/echo_server", "--port", "0"});
    CHECK(run.ending.status == 77);
    CHECK(run.output == "");
    CHECK(run.errors == "io_uring is not available: Function not implemented\n");
}

TEST_SUITE_END();
