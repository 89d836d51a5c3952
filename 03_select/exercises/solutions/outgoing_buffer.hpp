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

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

class OutgoingBuffer {
  public:
    bool empty() const { return pieces_.empty(); }

    // The number of bytes in all.
    std::size_t size() const { return size_; }

    // Nothing happens if `data` is empty.
    void append(std::string data) {
        if (!data.empty()) {
            size_ += data.size();
            pieces_.push_back(std::move(data));
        }
    }

    // What is to be sent next. Empty only if there is nothing left. Good until remove().
    std::string_view front() const {
        return empty() ? std::string_view()
                       : std::string_view(pieces_.front()).substr(removed_);
    }

    // The first `count` bytes are not needed any more; `count` is at most front().size().
    void remove(std::size_t count) {
        removed_ += count;
        size_ -= count;
        if (!empty() && removed_ == pieces_.front().size()) {
            pieces_.pop_front();
            removed_ = 0;
        }
    }

  private:
    std::deque<std::string> pieces_; // none of them empty
    std::size_t removed_ = 0;        // of the first piece
    std::size_t size_ = 0;
};
