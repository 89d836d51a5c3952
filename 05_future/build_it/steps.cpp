// What ./tutorial build-it runs after each step of the README: `steps N` shows what step N has added.
#include "async_socket.hpp"

#include "common/socket.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>

struct Pair { // an AsyncSocket, and the socket at its other end
    explicit Pair(EventLoop& loop) : Pair(loop, make()) {}
    Socket peer;
    AsyncSocket client;

  private:
    struct Ends {
        int fds[2];
    };
    static Ends make() {
        Ends ends;
        ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.fds);
        return ends;
    }
    Pair(EventLoop& loop, Ends ends)
        : peer(ends.fds[0], "the peer"), client(loop, Socket(ends.fds[1], "the client")) {}
};

// Runs the loop until the Future is done.
template <typename T>
void wait_for(EventLoop& loop, const Future<T>& future) {
    future.add_done_callback([&loop](const Future<T>&) { loop.stop(); });
    loop.run_forever();
}

void show_new_future() {
    EventLoop loop;
    Future<int> future(loop);
    std::cout << "a new Future is " << (future.done() ? "done\n" : "not done\n");
    try {
        future.result();
    } catch (const std::logic_error& error) {
        std::cout << "its result: " << error.what() << '\n';
    }
}

void show_both_sides() {
    EventLoop loop;
    Future<int> future(loop);
    future.set_result(42);
    future.add_done_callback([&loop](const Future<int>& done) {
        std::cout << "a callback that came late gets " << done.result() << '\n';
        loop.stop();
    });
    loop.run_forever();
    Future<int> failed(loop);
    failed.set_exception(std::make_exception_ptr(std::runtime_error("the disk is full")));
    try {
        failed.result();
    } catch (const std::exception& error) {
        std::cout << "a Future that has failed throws: " << error.what() << '\n';
    }
}

void show_schedule() {
    EventLoop loop;
    Future<void> future(loop);
    future.add_done_callback([&loop](const Future<void>&) {
        std::cout << "then the loop calls the callback\n";
        loop.stop();
    });
    future.set_result();
    std::cout << "set_result returns first\n";
    loop.run_forever();
    try {
        future.set_result();
    } catch (const std::logic_error& error) {
        std::cout << "a second result: " << error.what() << '\n';
    }
}

void show_sleep() {
    EventLoop loop;
    auto start = Clock::now();
    wait_for(loop, sleep(loop, std::chrono::milliseconds(100)));
    std::cout << (Clock::now() - start >= std::chrono::milliseconds(100)
                      ? "it has slept\n"
                      : "it has not slept\n");
}

void show_handle() {
    EventLoop loop;
    Pair pair(loop);
    AsyncSocket copy = pair.client;
    Future<std::string> received = pair.client.recv(100);
    copy.shutdown();
    wait_for(loop, received);
    std::cout << copy.address() << " was shut down, and its recv ends with '"
              << received.result() << "'\n";
}

void show_operations() {
    EventLoop loop;
    Pair pair(loop);
    Future<std::string> received = pair.client.recv(100);
    pair.peer.send_all("hello");
    wait_for(loop, received);
    std::cout << "recv gets " << received.result() << '\n';
    pair.client.send_all(received.result()).result();
    std::cout << "send_all was done at once, and the peer gets " << pair.peer.recv(100) << '\n';
}

void show_last_copy() {
    EventLoop loop;
    Socket peer = [&loop] {
        Pair pair(loop);
        return std::move(pair.peer);
    }();
    std::cout << "the last copy has gone, and the peer receives '" << peer.recv(100) << "'\n";
}

void show_accept() {
    EventLoop loop;
    Socket socket = listen_on("127.0.0.1", 0);
    auto port = static_cast<std::uint16_t>(std::stoi(socket.address().substr(10)));
    AsyncSocket listener(loop, std::move(socket));
    Future<AsyncSocket> accepted = listener.accept();
    Future<AsyncSocket> connected =
        AsyncSocket::connect(loop, resolve("127.0.0.1", port).front());
    wait_for(loop, accepted);
    wait_for(loop, connected);
    Future<std::string> received = connected.result().recv(100);
    accepted.result().send_all("welcome").result();
    wait_for(loop, received);
    std::cout << "a client has connected, was accepted, and gets " << received.result() << '\n';
}

void show_when_ready() {
    EventLoop loop;
    Pair pair(loop);
    Future<std::string> first = pair.client.recv(100);
    Future<std::string> second = pair.client.recv(100);
    try {
        second.result();
    } catch (const std::logic_error& error) {
        std::cout << "a second recv fails: " << error.what() << '\n';
    }
    pair.peer.send_all("hello");
    wait_for(loop, first);
    std::cout << "the first one gets " << first.result() << '\n';
}

int main(int argc, char** argv) {
    ::alarm(10); // for a loop that never ends
    void (*const steps[])() = {show_new_future, show_both_sides, show_schedule,
                               show_sleep,      show_handle,     show_operations,
                               show_last_copy,  show_accept,     show_when_ready};
    steps[std::atoi(argv[argc - 1]) - 1]();
}
