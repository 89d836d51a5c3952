// Exercise: a protocol of lines.
//
// data_received gets bytes as they come: half a line, or three and a half. A LineProtocol is
// the base class for protocols that want whole lines (HTTP, SMTP, a chat): it collects the
// bytes and calls line_received for each line. (The LineReader of stage 01 asked for bytes and
// waited; here they come when they come.)
//   - A line ends with '\n', which is not part of what line_received gets.
//   - What comes after the last '\n' is a line, too, when the peer has sent everything.
//   - A line of more than `max_length` bytes ends the connection.
//   - line_received may close the connection: then it gets no more lines.
#pragma once

#include "protocol.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

class LineProtocol : public Protocol {
  public:
    explicit LineProtocol(std::size_t max_length = 64 * 1024) : max_length_(max_length) {}

    // `line` is good until the function returns.
    virtual void line_received(std::string_view line) = 0;

    // If you override one of these, call it as well.
    void connection_made(Transport& transport) override { transport_ = &transport; }

    void data_received(std::string_view data) override {
        std::size_t searched = buffer_.size(); // not twice: a long line comes in many pieces
        buffer_ += data;
        std::size_t begin = 0;
        std::size_t end = buffer_.find('\n', searched);
        while (end != std::string::npos && end - begin <= max_length_) {
            line_received(std::string_view(buffer_).substr(begin, end - begin));
            if (transport_->is_closing()) {
                buffer_.clear();
                return;
            }
            begin = end + 1;
            end = buffer_.find('\n', begin);
        }
        buffer_.erase(0, begin); // once for all lines
        if (buffer_.size() > max_length_) {
            buffer_.clear();
            transport_->abort();
        }
    }

    bool eof_received() override {
        if (!buffer_.empty()) {
            std::string line = std::exchange(buffer_, "");
            line_received(line);
        }
        return false;
    }

  protected:
    Transport& transport() const { return *transport_; }

  private:
    Transport* transport_ = nullptr; // owns us
    std::size_t max_length_;         // without the '\n'
    std::string buffer_;             // a line that is not complete yet
};
