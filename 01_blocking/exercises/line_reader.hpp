// Exercise: lines out of a stream of bytes.
//
// One send is not one recv: a recv may bring half a line, or three and a half. A LineReader
// keeps what has come too early, and gives out one line at a time, as readline() of asyncio's
// StreamReader does:
//   - a line ends with '\n', which is part of what is returned;
//   - what comes after the last '\n' is a line, too; after that, and only then, "" is returned;
//   - a line of more than `max_length` bytes is an error, so that no client can fill our memory
//     with a line that never ends.
#pragma once

#include "common/socket.hpp"
#include "support/testing/exercise.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>

class LineReader {
  public:
    // The socket must outlive the reader.
    explicit LineReader(Socket& socket, std::size_t max_length = 64 * 1024)
        : socket_(socket), max_length_(max_length) {}

    // Waits for the next line. Throws std::length_error if it is too long, and whatever
    // Socket::recv throws.
    std::string read_line() {
        TODO("receive into buffer_ until there is a '\\n' in it, then take out the line");
    }

  private:
    Socket& socket_;
    std::size_t max_length_; // with the '\n'
    std::string buffer_;     // received, but not returned yet
};
