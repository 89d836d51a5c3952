// Wrong: gives out one line of each piece that comes
// Test: lines that come in one piece
// Says: one piece has brought three lines
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

    // Whoever overrides one of these calls it as well.
    void connection_made(Transport& transport) override { transport_ = &transport; }

    void data_received(std::string_view data) override {
        std::size_t searched = buffer_.size(); // not twice: a long line comes in many pieces
        buffer_ += data;
        std::size_t end = buffer_.find('\n', searched);
        if (end != std::string::npos && end <= max_length_) {
            line_received(std::string_view(buffer_).substr(0, end));
            if (transport_->is_closing()) {
                buffer_.clear();
                return;
            }
            buffer_.erase(0, end + 1);
        }
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
