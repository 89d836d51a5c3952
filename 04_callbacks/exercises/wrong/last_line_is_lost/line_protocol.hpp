// Wrong: a last line without an end is not given out
// Test: the last line may lack its end
// Says: is a line, too
#pragma once

#include "protocol.hpp"

#include <cstddef>
#include <string>
#include <string_view>

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

    bool eof_received() override { return false; }

  protected:
    Transport& transport() const { return *transport_; }

  private:
    Transport* transport_ = nullptr; // owns us
    std::size_t max_length_;         // without the '\n'
    std::string buffer_;             // a line that is not complete yet
};
