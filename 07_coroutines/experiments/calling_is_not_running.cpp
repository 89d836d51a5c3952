// Experiment: two ways to use a coroutine, and when it runs.
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <utility>

Coroutine<int> answer() {
    std::cout << "  answer runs\n";
    co_return 42;
}

Coroutine<void> program() {
    std::cout << "call it\n";
    Coroutine<int> called = answer();
    std::cout << "do something else for 10 ms\n";
    co_await sleep(std::chrono::milliseconds(10));
    std::cout << "await it\n";
    int value = co_await std::move(called);
    std::cout << "the value is " << value << '\n';

    std::cout << "pass it to create_task\n";
    Task<int> task = create_task(answer());
    std::cout << "do something else for 10 ms\n";
    co_await sleep(std::chrono::milliseconds(10));
    std::cout << "await the task\n";
    value = co_await task;
    std::cout << "the value is " << value << '\n';
}

int main() {
    EventLoop loop;
    run(loop, program());
}
