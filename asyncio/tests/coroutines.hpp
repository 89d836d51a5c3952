// Small coroutines for many tests.
#pragma once

#include "coroutine.hpp"
#include "future.hpp"
#include "task.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

// Writes to a log when it is destroyed, as a local variable of a coroutine that is destroyed.
struct Witness {
    std::string& log;
    char name;
    ~Witness() { log += name; }
};

inline Coroutine<void> append(std::string& log, char name) {
    log += name;
    co_return;
}

inline Coroutine<int> give(int value) {
    co_await sleep(Delay(0));
    co_return value;
}

inline Coroutine<int> give_later(int value, std::chrono::nanoseconds delay) {
    co_await sleep(delay);
    co_return value;
}

inline Coroutine<int> add_up() {
    int a = co_await give(42);
    int b = co_await give(1000);
    co_return a + b;
}

inline Coroutine<int> fail() {
    co_await sleep(Delay(0));
    throw std::runtime_error("broken");
}

inline Coroutine<void> wait_for_it(Future<int> future, std::string& log, char name) {
    Witness witness{log, name};
    co_await future;
}

inline Coroutine<void> wait_two_levels_down(Future<int> future, std::string& log) {
    Witness witness{log, 'o'};
    co_await wait_for_it(future, log, 'i');
}

inline Coroutine<void> sleep_long(std::string& log, char name) {
    Witness witness{log, name};
    co_await sleep(std::chrono::hours(1));
}

// Needs some iterations to end when it is cancelled.
inline Coroutine<int> clean_up_slowly(std::string& log) {
    bool is_cancelled = false;
    try {
        co_await sleep(std::chrono::hours(1));
    } catch (const CancelledError&) {
        is_cancelled = true;
    }
    if (is_cancelled) {
        co_await sleep(std::chrono::milliseconds(1));
        log += "cleaned up";
        throw CancelledError();
    }
    co_return 42;
}
