// Wrong: the others are not cancelled
// Test: the first result wins, and the others are cancelled
// Says: the others run on, though nobody wants them
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

// One of the Futures is done, and `running` others are not.
template <typename T>
void take_result(const Future<T>& first, const Future<T>& done, std::size_t running) {
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
    } else if (running == 0 && done.cancelled()) {
        first.cancel();
    } else if (running == 0) {
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
    auto running = std::make_shared<std::size_t>(futures.size());
    std::vector<std::weak_ptr<FutureState>>
        others; // weak: they own their callbacks, and `first`
    for (const Future<T>& future : futures) {
        others.push_back(future.state());
        future.add_done_callback(
            [first, running](Future<T> done) { take_result(first, done, --*running); });
    }
    first.add_done_callback([others](Future<T> done) {
        if (!done.cancelled()) {
            return;
        }
        for (const std::weak_ptr<FutureState>& other : others) {
            if (std::shared_ptr<FutureState> pending = other.lock()) {
                pending->cancel(); // does nothing if it is done
            }
        }
    });
    return first;
}
