// Exercise: try again.
//
// Networks fail now and then, so programs try again: after a pause, then after one twice as
// long, a few times in all. With callbacks that is a class; with coroutines it is a loop. It
// has two traps:
//   - There can be no co_await in a catch block.
//   - A cancellation is not a failure. Whoever catches it and goes on cannot be stopped.
#pragma once

#include "coroutine.hpp"
#include "task.hpp"

#include "support/testing/exercise.hpp"

#include <chrono>
#include <exception>
#include <type_traits>

// Awaits make(), which gives a new coroutine each time: one can only be awaited once. If it
// throws a std::exception, waits for `pause` and tries again, in all at most `attempts` times;
// each pause is twice as long as the one before. Returns the first result, or throws the last
// error. Anything that is not a std::exception ends it at once.
template <typename Function>
std::invoke_result_t<Function&> retry(Function make, int attempts,
                                      std::chrono::nanoseconds pause) {
    TODO("`co_return co_await make();` works for Coroutine<void>, too");
}
