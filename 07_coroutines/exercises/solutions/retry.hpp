// Exercise: try again.
//
// Networks fail now and then, so programs try again: after a pause, then after one twice as
// long, a few times in all. With callbacks that is a class; with coroutines it is a loop. It
// has two traps:
//   - There can be no co_await in a catch block.
//   - Not everything that is thrown is a failure that passes. Catch only what you mean.
#pragma once

#include "async_socket.hpp" // sleep
#include "coroutine.hpp"
#include "event_loop.hpp"

#include <exception>
#include <type_traits>

// Awaits make(), which returns a new coroutine each time: one can only be awaited once. If it
// throws a std::exception, waits for `pause` and tries again, in all at most `attempts` times;
// each pause is twice as long as the one before. Returns the first result, or throws the last
// error. Anything that is not a std::exception ends it at once.
template <typename Function>
std::invoke_result_t<Function&> retry(EventLoop& loop, Function make, int attempts,
                                      Clock::duration pause) {
    for (int left = attempts - 1;; --left) {
        try {
            co_return co_await make();
        } catch (const std::exception&) {
            if (left == 0) {
                throw;
            }
        }
        co_await sleep(loop, pause);
        pause *= 2;
    }
}
