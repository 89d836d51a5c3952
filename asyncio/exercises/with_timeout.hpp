// Exercise: a Future that does not wait forever.
//
// with_timeout(future, timeout) has the result of `future`, or after `timeout` the exception
// TimeoutError: then `future` is cancelled, because nothing waits for it any more. Errors and
// cancellation travel: an error of `future` is passed on, and to cancel either of the two
// cancels the other.
//
// Two things are easy to forget. The timer must go when it is not needed any more, or an hour
// later the loop would still keep it. And a result that is there before the timer fires wins,
// even if its callbacks have not run yet.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

#include "support/testing/exercise.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

class TimeoutError : public std::runtime_error {
  public:
    TimeoutError() : std::runtime_error("timed out") {}
};

// `from`, which is done, gives all it has to `to`, which is not.
template <typename T>
void pass_on(const Future<T>& from, const Future<T>& to) {
    if (from.cancelled()) {
        to.cancel();
    } else if (std::exception_ptr error = from.exception()) {
        to.set_exception(error);
    } else if constexpr (std::is_void_v<T>) {
        to.set_result();
    } else {
        to.set_result(std::move(from.result()));
    }
}

template <typename T>
Future<T> with_timeout(const Future<T>& future, std::chrono::nanoseconds timeout) {
    TODO("what comes first: the result, the timer, or a cancellation? Each of them has to "
         "stop the others");
}
