// Wrong: what was received after the first line is thrown away
// Test: two lines that come in one piece
// Says: what a recv brings after the first line is to be kept
#pragma once

#include "common/socket.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

class LineReader {
  public:
    // The socket must outlive the reader.
    explicit LineReader(Socket& socket, std::size_t max_length = 64 * 1024)
        : socket_(socket), max_length_(max_length) {}

    // Waits for the next line. Throws std::length_error if it is too long, and whatever
    // Socket::recv throws.
    std::string read_line() {
        std::size_t searched = 0; // not twice: a long line comes in many pieces
        std::size_t end = buffer_.find('\n');
        while (end == std::string::npos && buffer_.size() <= max_length_) {
            searched = buffer_.size();
            std::string data = socket_.recv(4096);
            if (data.empty()) {
                return std::exchange(buffer_, "");
            }
            buffer_ += data;
            end = buffer_.find('\n', searched);
        }
        if (end >= max_length_) { // npos is larger than any length
            throw std::length_error("a line is too long");
        }
        std::string line = buffer_.substr(0, end + 1);
        buffer_.clear();
        return line;
    }

  private:
    Socket& socket_;
    std::size_t max_length_; // with the '\n'
    std::string buffer_;     // received, but not returned yet
};
