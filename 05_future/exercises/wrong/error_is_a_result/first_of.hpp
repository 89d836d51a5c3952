// Wrong: whoever is done first is taken, be it with an error
// Test: an error is not a result
// Says: an error is not a result: another Future may still have one
#pragma once

#include "future.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

// The error that a Future has ended with, null if there is none; CancelledError if it was
// cancelled. To look at an error also says that it need not be reported.
template <typename T>
std::exception_ptr error_of(const Future<T>& done) {
    return done.cancelled() ? std::make_exception_ptr(CancelledError()) : done.exception();
}

// One of the Futures is done, the others may not be.
template <typename T>
void take_result(const Future<T>& first, const Future<T>& done) {
    std::exception_ptr error = error_of(done);
    if (first.done()) {
        return;
    }
    if (!error) {
        if constexpr (std::is_void_v<T>) {
            first.set_result();
        } else {
            first.set_result(std::move(done.result()));
        }
    } else if (done.cancelled()) {
        first.cancel();
    } else {
        first.set_exception(error);
    }
}

// All must belong to `loop`. Throws std::invalid_argument if there are none.
template <typename T>
Future<T> first_of(EventLoop& loop, const std::vector<Future<T>>& futures) {
    if (futures.empty()) {
        throw std::invalid_argument("first_of needs at least one Future");
    }
    Future<T> first(loop);
    std::vector<std::weak_ptr<FutureState>>
        others; // weak: they own their callbacks, and `first`
    for (const Future<T>& future : futures) {
        others.push_back(future.state());
        future.add_done_callback([first](Future<T> done) { take_result(first, done); });
    }
    first.add_done_callback([others](Future<T>) {
        for (const std::weak_ptr<FutureState>& other : others) {
            if (std::shared_ptr<FutureState> pending = other.lock()) {
                pending->cancel(); // does nothing if it is done
            }
        }
    });
    return first;
}
