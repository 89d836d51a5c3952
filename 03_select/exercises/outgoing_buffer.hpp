// Exercise: a buffer for what could not be sent yet.
//
// Stage 03 keeps what is to be sent in a std::string and calls erase(0, sent) after each short
// send. That moves all the rest to the front, every time: a megabyte that goes out in pieces of
// a few kilobytes is copied hundreds of times. An OutgoingBuffer never moves a byte that it
// holds:
//   - append() takes a string over as it is, behind those that are there;
//   - front() shows the bytes that are next, for try_send: as many as lie in one piece;
//   - remove() forgets those of them that the kernel has taken.
#pragma once

#include "support/testing/exercise.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

class OutgoingBuffer {
  public:
    bool empty() const { return pieces_.empty(); }

    // The number of bytes in all.
    std::size_t size() const { TODO("you may count as they come and go, or add them up here"); }

    // Nothing happens if `data` is empty.
    void append(std::string data) { TODO("std::move it to the end of pieces_"); }

    // What is to be sent next. Empty only if there is nothing left. Good until remove().
    std::string_view front() const {
        TODO("the first piece, without the bytes that have been removed");
    }

    // The first `count` bytes are not needed any more; `count` is at most front().size().
    void remove(std::size_t count) {
        TODO("remember how much of the first piece has gone; drop the piece when it is all "
             "gone");
    }

  private:
    std::deque<std::string> pieces_; // none of them empty
    std::size_t removed_ = 0;        // of the first piece
};
