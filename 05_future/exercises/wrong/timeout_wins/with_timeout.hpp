// Wrong: a result that is there when the timer fires is thrown away
// Test: the result is set by a timer of the same moment
// Says: the result was there when the timer fired, and has to win
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

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
    EventLoop& loop = future.state()->loop();
    Future<T> limited(loop);
    future.add_done_callback([limited](Future<T> done) {
        if (!limited.done()) {
            pass_on(done, limited);
        }
    });
    std::weak_ptr<FutureState> source = future.state(); // weak: its callback owns `limited`
    auto cancel_source = [source] {
        std::shared_ptr<FutureState> pending = source.lock();
        return !pending || pending->cancel();
    };
    Handle timer = loop.call_later(timeout, [limited, cancel_source] {
        cancel_source();
        if (!limited.done()) {
            limited.set_exception(std::make_exception_ptr(TimeoutError()));
        }
    });
    limited.add_done_callback([timer, cancel_source](Future<T> done) mutable {
        timer.cancel();
        if (done.cancelled()) {
            cancel_source();
        }
    });
    return limited;
}
