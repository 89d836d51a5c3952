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

#include "support/testing/exercise.hpp"

#include <stdexcept>
#include <vector>

// All must belong to `loop`. The first result is moved to the new Future. Throws
// std::invalid_argument if there are no Futures.
template <typename T>
Future<T> first_of(EventLoop& loop, const std::vector<Future<T>>& futures) {
    TODO("each Future gets a callback; it may have to do nothing");
}
