// Exercise: the first result of several.
//
// A name often stands for several addresses, and some of them do not answer. So a browser
// connects to two of them at once, and takes the connection that is there first (RFC 8305,
// "happy eyeballs"). first_of() is what it needs: a Future for the first *result* of several
// Futures.
//   - When there is one, the others are cancelled: nobody wants them any more.
//   - An error is not a result. Only when all have failed is the last error passed on.
//   - If all were cancelled, so is first_of().
//   - If first_of() is cancelled, so are all.
#pragma once

#include "future.hpp"

#include "support/testing/exercise.hpp"

#include <exception>
#include <stdexcept>
#include <vector>

// The error that a Future has ended with, null if there is none; CancelledError if it was
// cancelled. Looking at an error also says that it need not be reported.
template <typename T>
std::exception_ptr error_of(const Future<T>& done) {
    return done.cancelled() ? std::make_exception_ptr(CancelledError()) : done.exception();
}

// All must belong to `loop`. Throws std::invalid_argument if there are none.
template <typename T>
Future<T> first_of(EventLoop& loop, const std::vector<Future<T>>& futures) {
    TODO("each Future gets a callback, and the new one, too: when it is done, cancel the "
         "others");
}
