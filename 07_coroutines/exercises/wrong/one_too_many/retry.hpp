// Wrong: `attempts` is how often it tries again
// Test: it never works: the last error
// Says: three attempts in all, the first one included
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
    for (int left = attempts;; --left) {
        try {
            co_return co_await make();
        } catch (const std::exception&) { // not CancelledError
            if (left == 0) {
                throw;
            }
        }
        co_await sleep(pause);
        pause *= 2;
    }
}
