// Wrong: the new Future owns the first one, which owns it
// Test: nothing is left of a chain that nobody wants any more
// Says: the two Futures own each other
#pragma once

#include "future.hpp"

#include <exception>
#include <type_traits>
#include <utility>

// What `function` returns for the result of a Future<T>; a Future<void> has none to give it.
template <typename T, typename Function>
struct Next {
    using Result = std::invoke_result_t<Function&, T&>;
};
template <typename Function>
struct Next<void, Function> {
    using Result = std::invoke_result_t<Function&>;
};

// Sets the result of `next` to what `function` returns for the result of `done`, which is done.
// Throws what either of them throws.
template <typename T, typename Function, typename Result>
void call_with_result(const Future<T>& done, Function& function, const Future<Result>& next) {
    auto call = [&]() -> Result {
        if constexpr (std::is_void_v<T>) {
            done.result();
            return function();
        } else {
            return function(done.result());
        }
    };
    if constexpr (std::is_void_v<Result>) {
        call();
        next.set_result();
    } else {
        next.set_result(call());
    }
}

// `function` is called from the event loop, with a reference to the result.
template <typename T, typename Function>
Future<typename Next<T, Function>::Result> then(const Future<T>& future, Function function) {
    using Result = typename Next<T, Function>::Result;
    Future<Result> next(future.state()->loop());
    future.add_done_callback([next, function = std::move(function)](Future<T> done) mutable {
        if (next.done()) {
            return; // cancelled
        }
        try {
            call_with_result(done, function, next);
        } catch (const CancelledError&) {
            next.cancel();
        } catch (...) {
            next.set_exception(std::current_exception());
        }
    });
    next.add_done_callback([future](Future<Result> done) {
        if (done.cancelled()) {
            future.cancel();
        }
    });
    return next;
}
