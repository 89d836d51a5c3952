// Experiment: two tasks save a file, and both are cancelled meanwhile. One of them shields what it
// waits for.
#include "run.hpp"
#include "shield.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

Coroutine<void> save(std::string name) {
    co_await sleep(20ms);
    std::cout << "  " << name << " is saved\n";
}

Coroutine<void> save_shielded(std::string name) {
    co_await shield(save(name));
}

Coroutine<void> cancel_in_the_middle(Coroutine<void> saving) {
    Task<void> task = create_task(std::move(saving));
    co_await sleep(10ms);
    task.cancel();
    co_await sleep(30ms);
    std::cout << "  the task was " << (task.cancelled() ? "" : "not ") << "cancelled\n";
}

Coroutine<void> program() {
    std::cout << "without a shield\n";
    co_await cancel_in_the_middle(save("a.txt"));
    std::cout << "with a shield\n";
    co_await cancel_in_the_middle(save_shielded("b.txt"));
}

int main() {
    EventLoop loop;
    run(loop, program());
}
