// Wrong: remove() erases the bytes from the front of the string
// Test: no byte is moved
// Says: remove() has moved the bytes that are left
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
        return empty() ? std::string_view() : std::string_view(pieces_.front());
    }

    // The first `count` bytes are not needed any more; `count` is at most front().size().
    void remove(std::size_t count) {
        size_ -= count;
        if (!empty()) {
            pieces_.front().erase(0, count);
            if (pieces_.front().empty()) {
                pieces_.pop_front();
            }
        }
    }

  private:
    std::deque<std::string> pieces_; // none of them empty
    std::size_t size_ = 0;
};
