// Experiment: the server of stage 07, where echo_server awaits the handler instead of making a
// task of it. One client is silent; what becomes of the next one? And of the rest of the
// program?
#include "async_socket.hpp"
#include "run.hpp"

#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include <csignal>

#include <poll.h>
#include <unistd.h>

using namespace std::chrono_literals;

Coroutine<void> echo_handler(AsyncSocket client) {
    while (true) {
        std::string data = co_await client.recv(4096);
        if (data.empty()) {
            break;
        }
        co_await client.send_all(data);
    }
}

// The mistake: no create_task.
Coroutine<void> echo_server(AsyncSocket listener) {
    while (true) {
        AsyncSocket client = co_await listener.accept();
        co_await echo_handler(std::move(client));
    }
}

// Counts how often it gets on, every 10 ms.
Coroutine<void> tick(EventLoop& loop, std::atomic<int>& ticks) {
    while (true) {
        co_await sleep(loop, 10ms);
        ++ticks;
    }
}

Coroutine<void> program(EventLoop& loop, AsyncSocket listener, std::atomic<int>& ticks) {
    create_task(tick(loop, ticks));
    co_await echo_server(std::move(listener));
}

void two_clients(std::uint16_t port, const std::atomic<int>& ticks) {
    Socket silent = connect_to("127.0.0.1", port);
    std::cout << "the silent client is connected\n";
    Socket talkative = connect_to("127.0.0.1", port);
    talkative.send_all("hello");
    std::cout << "the talkative client is connected and has sent hello\n";

    int ticks_before = ticks;
    bool has_answer = wait_for(talkative.fd(), POLLIN, 500ms);
    std::cout << (has_answer ? "it has an answer\n" : "after 500 ms it has no answer\n");
    std::cout << "meanwhile another task has run " << ticks - ticks_before << " times\n";

    silent.close();
    std::cout << "the silent client leaves\n";
    std::cout << "the talkative client gets " << talkative.recv(5) << '\n';
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::string address = listener.address();
    int port = std::stoi(address.substr(address.rfind(':') + 1));
    EventLoop loop;
    std::atomic<int> ticks = 0;
    std::thread clients([&ticks, port] {
        two_clients(static_cast<std::uint16_t>(port), ticks);
        ::kill(::getpid(), SIGTERM); // ends run()
    });
    run(loop, program(loop, AsyncSocket(loop, std::move(listener)), ticks));
    clients.join();
}
