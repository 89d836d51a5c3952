// Experiment: what does the frame of a coroutine cost, with the compiler at hand?
#include "coroutine.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <utility>

// What this program allocates.
int allocations = 0;
std::size_t last_size = 0;

void* operator new(std::size_t bytes) {
    ++allocations;
    last_size = bytes;
    if (void* memory = std::malloc(bytes)) {
        return memory;
    }
    throw std::bad_alloc();
}

// Not inline, or GCC warns of a free without its malloc.
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

// ---- three coroutines of the simplest kind: its promise keeps nothing, and they start at once

struct Simple {
    struct promise_type {
        Simple get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

std::coroutine_handle<> waiting;

struct Wait {
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { waiting = handle; }
    void await_resume() const {}
};

[[gnu::noinline]] void use(volatile char* bytes) {
    for (int i = 0; i < 1000; ++i) {
        bytes[i] = 1;
    }
}

Simple nothing() {
    co_await Wait{};
}

Simple not_needed() {
    {
        char bytes[1000];
        use(bytes);
    }
    co_await Wait{};
}

Simple two_scopes() {
    {
        char bytes[1000];
        use(bytes);
        co_await Wait{};
        use(bytes);
    }
    {
        char bytes[1000];
        use(bytes);
        co_await Wait{};
        use(bytes);
    }
}

std::size_t frame_size(Simple (*coroutine)()) {
    coroutine();
    std::size_t size = last_size;
    while (waiting) {
        std::exchange(waiting, nullptr).resume();
    }
    return size;
}

// ---- Coroutines that are awaited where they are made

Coroutine<void> inner() {
    co_return;
}

Coroutine<void> middle() {
    co_await inner();
}

Coroutine<void> outer() {
    co_await middle();
}

int frames_of_three() {
    allocations = 0;
    Coroutine<void> coroutine = outer();
    coroutine.await_suspend(std::noop_coroutine()).resume();
    return allocations;
}

// ---- awaits that are ready

[[gnu::noinline]] void note_address_of_stack(std::uintptr_t& address) {
    volatile char here = 0;
    address = reinterpret_cast<std::uintptr_t>(&here);
}

Coroutine<void> look(std::uintptr_t& address) {
    note_address_of_stack(address);
    co_return;
}

Coroutine<void> look_again(int times, std::uintptr_t& first, std::uintptr_t& last) {
    co_await look(first);
    for (int i = 0; i < times; ++i) {
        co_await look(last);
    }
}

std::intptr_t stack_for_each_await() {
    constexpr int TIMES = 1000;
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    Coroutine<void> coroutine = look_again(TIMES, first, last);
    coroutine.await_suspend(std::noop_coroutine()).resume();
    return static_cast<std::intptr_t>(first - last) / TIMES; // a stack grows down
}

#if defined(__clang__)
const std::string COMPILER = "Clang " + std::to_string(__clang_major__);
#else
const std::string COMPILER = "GCC " + std::to_string(__GNUC__);
#endif

#if defined(__OPTIMIZE__)
const std::string LEVEL = "optimized";
#else
const std::string LEVEL = "not optimized";
#endif

int main() {
    std::cout << COMPILER << ", " << LEVEL << '\n'
              << "it only waits: " << frame_size(nothing) << " bytes\n"
              << "1000 bytes more, gone before it waits: " << frame_size(not_needed)
              << " bytes\n"
              << "1000 bytes in one scope, 1000 in the next: " << frame_size(two_scopes)
              << " bytes\n"
              << "three Coroutines, one in the other: " << frames_of_three() << " allocations\n"
              << "an await that is ready: " << stack_for_each_await()
              << " bytes of the stack\n";
}
