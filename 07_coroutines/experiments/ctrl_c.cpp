// Experiment: a task waits, and Ctrl-C ends the program. Is the task told?
#include "async_socket.hpp"
#include "run.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <csignal>
#include <iostream>
#include <utility>

Coroutine<void> wait_for_client(AsyncSocket listener) {
    std::cout << "the task waits for a client, who does not come\n";
    try {
        co_await listener.accept();
    } catch (...) {
        std::cout << "the task is told at its co_await that it has to end\n";
        throw;
    }
}

int main() {
    EventLoop loop(make_default_selector());
    AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
    loop.call_soon([] { std::raise(SIGINT); }); // Ctrl-C
    run(loop, wait_for_client(std::move(listener)));
    std::cout << "run has returned\n";
}
