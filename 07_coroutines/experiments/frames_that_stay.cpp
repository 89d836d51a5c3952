// Experiment: three tasks wait, each with a local variable, when the loop is stopped and the
// program ends. How many of the variables are left?
#include "async_socket.hpp"
#include "run.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <iostream>
#include <utility>

int alive = 0;

struct Local {
    Local() { ++alive; }
    ~Local() { --alive; }
};

Coroutine<void> wait_for_client(AsyncSocket listener) {
    Local local;
    co_await listener.accept();
}

Coroutine<void> program(EventLoop& loop) {
    for (int i = 0; i < 3; ++i) {
        create_task(wait_for_client(AsyncSocket(loop, listen_on("127.0.0.1", 0))));
    }
    loop.call_soon([&loop] {
        std::cout << "local variables while the tasks wait: " << alive << '\n';
        loop.stop();
    });
    co_await sleep(loop, std::chrono::seconds(60)); // until the loop is stopped
}

void run_program() {
    EventLoop loop(make_default_selector());
    run(loop, program(loop));
}

int main() {
    run_program();
    std::cout << "when run has returned and the loop has gone: " << alive << '\n';
}
