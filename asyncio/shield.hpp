// shield: awaits something that continues even if the task that awaits it is cancelled.
#pragma once

#include "coroutine.hpp"
#include "future.hpp"
#include "gather.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

// A Future that gets the result of `inner`; cancelling the one does not cancel the other. The
// value is copied, or moved where it cannot be copied. (asyncio.shield)
template <typename T>
Future<T> shield(Future<T> inner) {
    Future<T> outer(inner.state()->loop());
    std::size_t number = inner.add_done_callback([outer](const Future<T>& done) {
        if (outer.done() || done.cancelled()) {
            outer.cancel();
            done.state()->cancel(); // no task is left to look at an error
        } else if (std::exception_ptr error = done.exception()) {
            outer.set_exception(error);
        } else if constexpr (std::is_void_v<T>) {
            outer.set_result();
        } else if constexpr (std::is_copy_constructible_v<T>) {
            outer.set_result(done.result());
        } else {
            outer.set_result(std::move(done.result()));
        }
    });
    // A shield that is given up leaves nothing in `inner`, which may run on for a long time. Weak,
    // because the two would own each other.
    outer.add_done_callback([number, weak = std::weak_ptr(inner.state())](const Future<T>&) {
        if (auto still_there = weak.lock()) {
            still_there->remove_done_callback(number);
        }
    });
    return outer;
}
// The same for a coroutine, which becomes a Task.
template <typename T>
Future<T> shield(Coroutine<T> coroutine) {
    return shield(as_future(std::move(coroutine)));
}
