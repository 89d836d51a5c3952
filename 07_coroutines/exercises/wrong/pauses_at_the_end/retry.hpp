// Wrong: pauses after the last attempt, too
// Test: no pause after the last attempt
// Says: there is no need to pause after the last attempt
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
    std::exception_ptr last_error;
    for (int left = attempts; left > 0; --left) {
        try {
            co_return co_await make();
        } catch (const std::exception&) { // not CancelledError
            last_error = std::current_exception();
        }
        co_await sleep(pause);
        pause *= 2;
    }
    std::rethrow_exception(last_error);
}
