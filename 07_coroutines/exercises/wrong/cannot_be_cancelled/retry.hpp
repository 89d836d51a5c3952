// Wrong: catches everything, also the cancellation
// Test: cancelled during an attempt
// Says: the task was cancelled and tried again: it cannot be stopped
#pragma once

#include "coroutine.hpp"
#include "task.hpp"

#include <chrono>
#include <exception>
#include <type_traits>

// Awaits make(), which gives a new coroutine each time: one can only be awaited once. If it
// throws a std::exception, waits for `pause` and tries again, in all at most `attempts` times;
// each pause is twice as long as the one before. Returns the first result, or throws the last
// error. Anything that is no std::exception ends it at once.
template <typename Function>
std::invoke_result_t<Function&> retry(Function make, int attempts,
                                      std::chrono::nanoseconds pause) {
    for (int left = attempts - 1;; --left) {
        try {
            co_return co_await make();
        } catch (...) {
            if (left == 0) {
                throw;
            }
        }
        co_await sleep(pause);
        pause *= 2;
    }
}
