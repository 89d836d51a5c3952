// Exercise: a Future from a Future and a function.
//
// `then(loop, future, function)` is a Future for function(result of `future`): the next piece of
// a chain, without a callback that has to set a result by hand. What makes it reliable is what
// happens when something goes wrong:
//   - an error of `future` is the error of the new Future, and the function is not called;
//   - what the function throws is the error of the new Future.
//
// Who owns whom: `future` owns its callbacks, and this one owns the new Future. If it owned
// `future`, too, neither would ever be destroyed. It need not: it is called with it.
#pragma once

#include "future.hpp"

#include <exception>
#include <type_traits>
#include <utility>

// What `function` returns for the result of a Future<T>; a Future<void> has none to pass to it.
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
Future<typename Next<T, Function>::Result> then(EventLoop& loop, const Future<T>& future,
                                                Function function) {
    Future<typename Next<T, Function>::Result> next(loop);
    future.add_done_callback(
        [next, function = std::move(function)](const Future<T>& done) mutable {
            try {
                call_with_result(done, function, next);
            } catch (...) {
                next.set_exception(std::current_exception());
            }
        });
    return next;
}
