// Experiment: a handler waits for its client when the server ends. Before it ends it says goodbye,
// which may have to wait, too. Does the client get it?
#include "async_socket.hpp"
#include "run.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

Coroutine<void> read_to_the_end(AsyncSocket client) {
    try {
        while (true) {
            std::string data = co_await client.recv(4096);
            if (data.empty()) {
                break;
            }
        }
    } catch (const CancelledError&) {
        std::cout << "  read_to_the_end: CancelledError at its co_await\n";
        throw;
    }
}

Coroutine<void> talk(AsyncSocket client) {
    bool is_cancelled = false;
    try {
        co_await read_to_the_end(client);
    } catch (const CancelledError&) {
        std::cout << "  talk: CancelledError at its co_await\n";
        is_cancelled = true; // in a catch block C++ allows no co_await
    }
    if (is_cancelled) {
        co_await client.send_all("goodbye");
        throw CancelledError();
    }
}

Coroutine<void> program(AsyncSocket client) {
    Task<void> task = create_task(talk(std::move(client)));
    co_await sleep(10ms); // the task waits for its client now
    std::cout << "cancel() is called\n";
    task.cancel();
    std::cout << "cancel() has returned; the task is " << (task.done() ? "" : "not ")
              << "done\n";
    try {
        co_await task;
    } catch (const CancelledError&) {
        std::cout << "the task has ended: it " << (task.cancelled() ? "was" : "was not")
                  << " cancelled\n";
    }
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    const std::string& address = listener.address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    Socket peer = connect_to("127.0.0.1", port);
    EventLoop loop;
    run(loop, program(AsyncSocket(loop, listener.accept())));
    std::cout << "the client gets: " << peer.recv(4096) << '\n';
}
