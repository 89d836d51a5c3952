// Experiment: two ways to use a coroutine, and when it runs.
#include "async_socket.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <utility>

Coroutine<int> answer() {
    std::cout << "  answer runs\n";
    co_return 42;
}

Coroutine<void> answer_in_a_task() {
    co_await answer();
}

Coroutine<void> program(EventLoop& loop) {
    std::cout << "call it\n";
    Coroutine<int> called = answer();
    std::cout << "do something else for 10 ms\n";
    co_await sleep(loop, std::chrono::milliseconds(10));
    std::cout << "await it\n";
    int value = co_await std::move(called);
    std::cout << "the value is " << value << '\n';

    std::cout << "pass it to create_task\n";
    create_task(answer_in_a_task());
    std::cout << "do something else for 10 ms\n";
    co_await sleep(loop, std::chrono::milliseconds(10));
}

int main() {
    EventLoop loop;
    run(loop, program(loop));
}
