// Experiment: how much of the thread's stack is in use while a coroutine runs that many others
// await, directly or not? Measured by where the next call is put.
#include "async_socket.hpp"
#include "run.hpp"

#include <chrono>
#include <cstdint>
#include <iostream>

// Not in the coroutine itself: its variables are in its frame.
[[gnu::noinline]] std::uintptr_t place_on_stack() {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

Coroutine<std::uintptr_t> awaited_by(int others, EventLoop& loop) {
    if (others > 1) {
        std::uintptr_t place = co_await awaited_by(others - 1, loop);
        co_return place;
    }
    co_await sleep(loop, std::chrono::milliseconds(10));
    co_return place_on_stack();
}

Coroutine<void> program(EventLoop& loop) {
    std::cout << "how deep is the stack in a coroutine that 1 other awaits, and in one that "
                 "1,000 others await?\n";
    std::uintptr_t of_one = co_await awaited_by(1, loop);
    std::uintptr_t of_thousand = co_await awaited_by(1'000, loop);
    std::cout << "behind the wait: "
              << (of_one == of_thousand ? "the same depth\n" : "not the same depth\n");
}

int main() {
    EventLoop loop;
    run(loop, program(loop));
}
