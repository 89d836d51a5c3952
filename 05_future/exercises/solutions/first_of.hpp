// Exercise: whichever is done first.
//
// A name often stands for several addresses, and some of them do not answer. So a browser
// connects to two of them at once, and takes the connection that is there first (RFC 8305,
// "happy eyeballs"); and a request that must not take longer than a second is a race with a
// timer. first_of() is what both need: a Future that gets the result, or the error, of whichever
// of several Futures is done first.
//   - The others run on. What they bring later, be it a result or an error, is ignored, and a
//     result stays where it is.
//   - First is the one that was done first, not the one that comes first in the list.
#pragma once

#include "future.hpp"

#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

// `from`, which is done, passes its result or error on to `to`, which is not.
template <typename T>
void pass_on(const Future<T>& from, const Future<T>& to) {
    try {
        if constexpr (std::is_void_v<T>) {
            from.result();
            to.set_result();
        } else {
            to.set_result(std::move(from.result()));
        }
    } catch (...) {
        to.set_exception(std::current_exception());
    }
}

// All must belong to `loop`. The first result is moved to the new Future. Throws
// std::invalid_argument if there are no Futures.
template <typename T>
Future<T> first_of(EventLoop& loop, const std::vector<Future<T>>& futures) {
    if (futures.empty()) {
        throw std::invalid_argument("first_of needs at least one Future");
    }
    Future<T> first(loop);
    for (const Future<T>& future : futures) {
        future.add_done_callback([first](const Future<T>& done) {
            if (!first.done()) {
                pass_on(done, first);
            }
        });
    }
    return first;
}
