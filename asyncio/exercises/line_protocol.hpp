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

#include "support/testing/exercise.hpp"

#include <cstddef>
#include <string>
#include <string_view>

class LineProtocol : public Protocol {
  public:
    explicit LineProtocol(std::size_t max_length = 64 * 1024) : max_length_(max_length) {}

    // `line` is good until the function returns.
    virtual void line_received(std::string_view line) = 0;

    // If you override one of these, call it as well.
    void connection_made(Transport& transport) override { transport_ = &transport; }

    void data_received(std::string_view data) override {
        TODO("add to buffer_, give out the lines that are complete, keep the rest");
    }

    bool eof_received() override {
        TODO("there may be a last line without '\n'; then the transport may close: return "
             "false");
    }

  protected:
    Transport& transport() const { return *transport_; }

  private:
    Transport* transport_ = nullptr; // owns us
    std::size_t max_length_;         // without the '\n'
    std::string buffer_;             // a line that is not complete yet
};
