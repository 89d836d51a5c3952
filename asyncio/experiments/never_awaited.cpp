// Experiment: a task fails. No coroutine awaits it, but first a list keeps it; then that lets go.
#include "run.hpp"
#include "task.hpp"

#include <chrono>
#include <iostream>
#include <optional>
#include <stdexcept>

using namespace std::chrono_literals;

Coroutine<void> fail() {
    co_await sleep(10ms);
    throw std::runtime_error("the disk is full");
}

Coroutine<void> program() {
    std::cout << "a task is made, and kept\n";
    std::optional<Task<void>> task = create_task(fail());
    co_await sleep(50ms);
    std::cout << "50 ms later it " << (task->done() ? "has failed" : "runs")
              << ", and no code has noticed\n";
    std::cout << "the last copy is dropped\n";
    task.reset();
    co_await sleep(0ms);

    std::cout << "a task is made, and awaited\n";
    try {
        co_await create_task(fail());
    } catch (const std::exception& error) {
        std::cout << "caught: " << error.what() << '\n';
    }
}

int main() {
    EventLoop loop;
    loop.set_exception_handler([](const ExceptionContext& context) {
        std::cout << "  the loop reports: " << context.message << '\n';
    });
    run(loop, program());
}
