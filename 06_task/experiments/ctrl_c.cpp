// Experiment: a task waits, and Ctrl-C ends the program. Does the task get to clean up?
#include "async_socket.hpp"
#include "run.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <csignal>
#include <iostream>
#include <utility>

struct CleanUp {
    ~CleanUp() { std::cout << "the task cleans up\n"; }
};

Coroutine<void> wait_for_client(AsyncSocket listener) {
    CleanUp clean_up;
    std::cout << "the task waits for a client, who does not come\n";
    co_yield listener.accept();
}

int main() {
    EventLoop loop(make_default_selector());
    AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
    loop.call_soon([] { std::raise(SIGINT); }); // Ctrl-C
    run(loop, wait_for_client(std::move(listener)));
    std::cout << "run has returned\n";
}
