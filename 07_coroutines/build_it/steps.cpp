// What ./tutorial build-it runs after each step of the README: `steps N` shows what step N has added.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "run.hpp"
#include "task.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

struct Pair { // the two ends of a connection
    Socket peer;
    Socket client;
};

Pair make_pair_of_sockets() {
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    return {Socket(ends[0], "the peer"), Socket(ends[1], "the client")};
}

// Runs a coroutine that never waits: nothing awaits it, so it is resumed by hand.
void run_by_hand(Coroutine<void> coroutine) {
    coroutine.await_suspend(std::noop_coroutine()).resume();
    coroutine.await_resume();
}

Coroutine<void> say(std::string text) {
    std::cout << text << '\n';
    co_return;
}

Coroutine<int> answer() {
    co_return 42;
}

void show_order() {
    auto program = []() -> Coroutine<void> {
        Coroutine<void> inner = say("now it runs");
        std::cout << "the inner coroutine was called, and has not run\n";
        co_await std::move(inner);
        std::cout << "it has ended, and the one that awaits it continues\n";
    };
    run_by_hand(program());
}

void show_value() {
    auto program = []() -> Coroutine<void> {
        int value = co_await answer();
        std::cout << "the value of the co_await is " << value << '\n';
    };
    run_by_hand(program());
}

void show_coroutine() {
    auto program = []() -> Coroutine<void> {
        auto fail = []() -> Coroutine<void> {
            throw std::runtime_error("the disk is full");
            co_return;
        };
        Coroutine<void> failing = fail();
        try {
            co_await failing;
        } catch (const std::runtime_error& error) {
            std::cout << "the co_await throws: " << error.what() << '\n';
        }
        try {
            co_await failing;
        } catch (const std::logic_error& error) {
            std::cout << "and once more: " << error.what() << '\n';
        }
    };
    run_by_hand(program());
}

void show_ready() {
    auto program = [](EventLoop& loop) -> Coroutine<void> {
        Pair pair = make_pair_of_sockets();
        loop.call_soon([&pair] {
            std::cout << "the coroutine waits\n";
            pair.peer.send_all("hello");
        });
        co_await Ready{loop, pair.client.fd(), READ};
        std::cout << "its socket is ready\n";
        loop.forget(pair.client.fd());
        co_await sleep(loop, std::chrono::milliseconds(20));
        std::cout << "it has slept\n";
    };
    EventLoop loop;
    run(loop, program(loop));
}

void show_owner() {
    EventLoop loop;
    Pair pair = make_pair_of_sockets();
    {
        AsyncSocket first(loop, std::move(pair.client));
        AsyncSocket client = std::move(first);
        std::cout << client.address() << " has moved\n";
    }
    std::cout << "its owner has gone, and the peer receives '" << pair.peer.recv(100) << "'\n";
}

void show_recv() {
    auto program = [](EventLoop& loop) -> Coroutine<void> {
        Pair pair = make_pair_of_sockets();
        AsyncSocket client(loop, std::move(pair.client));
        loop.call_soon([&pair] {
            std::cout << "recv waits\n";
            pair.peer.send_all("hello");
            pair.peer.shutdown_write();
        });
        std::string data = co_await client.recv(100);
        std::cout << "it gets " << data << '\n';
        data = co_await client.recv(100);
        std::cout << "and at the end of the stream '" << data << "'\n";
    };
    EventLoop loop;
    run(loop, program(loop));
}

void show_send_all() {
    auto program = [](EventLoop& loop) -> Coroutine<void> {
        Pair pair = make_pair_of_sockets();
        AsyncSocket client(loop, std::move(pair.client));
        const std::string large(8'000'000, 'x');
        std::size_t received = 0;
        loop.add_reader(pair.peer.fd(), [&] { received += pair.peer.recv(16'384).size(); });
        co_await client.send_all(large);
        loop.forget(pair.peer.fd());
        while (received < large.size()) {
            std::string data = pair.peer.recv(16'384);
            received += data.size();
        }
        std::cout << "of 8,000,000 bytes the peer has received " << received << '\n';
    };
    EventLoop loop;
    run(loop, program(loop));
}

void show_accept() {
    auto program = [](EventLoop& loop) -> Coroutine<void> {
        Socket socket = listen_on("127.0.0.1", 0);
        auto port = static_cast<std::uint16_t>(std::stoi(socket.address().substr(10)));
        AsyncSocket listener(loop, std::move(socket));
        Socket peer = connect_to("127.0.0.1", port);
        AsyncSocket client = co_await listener.accept();
        const std::string text = "welcome";
        co_await client.send_all(text);
        std::cout << "a client was accepted, and gets " << peer.recv(100) << '\n';
    };
    EventLoop loop;
    run(loop, program(loop));
}

void show_task() {
    auto wait = [](EventLoop& loop) -> Coroutine<void> {
        std::cout << "the Task runs at once, to its first wait\n";
        co_await sleep(loop, std::chrono::hours(1));
    };
    EventLoop loop;
    create_task(wait(loop));
    std::cout << "create_task has returned; " << Task::pending.size() << " Task waits\n";
    loop.close();
    destroy_pending_tasks();
    std::cout << "after destroy_pending_tasks " << Task::pending.size() << '\n';
}

void show_run() {
    auto program = [](EventLoop& loop) -> Coroutine<void> {
        create_task([](EventLoop& the_loop) -> Coroutine<void> {
            co_await sleep(the_loop, std::chrono::hours(1));
        }(loop));
        co_await sleep(loop, std::chrono::milliseconds(20));
        throw std::runtime_error("the program ends");
    };
    EventLoop loop;
    try {
        run(loop, program(loop));
    } catch (const std::exception& error) {
        std::cout << "run throws what the program has thrown: " << error.what() << '\n';
    }
    std::cout << Task::pending.size() << " Tasks are left\n";
}

int main(int argc, char** argv) {
    ::alarm(10); // for a loop that never ends
    void (*const steps[])() = {show_order, show_value, show_coroutine, show_ready,
                               show_owner, show_recv,  show_send_all,  show_accept,
                               show_task,  show_run};
    steps[std::atoi(argv[argc - 1]) - 1]();
}
