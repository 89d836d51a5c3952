// The little of HTTP/1.1 that a client needs to fetch a page (RFC 9110, RFC 9112): the text of
// a request, and a parser for the answer. The parser does no input or output: it is given what
// arrives, in pieces of any size, by a program that waits in its own way. That is why three
// crawlers can share it.
#pragma once

#include "common/web/url.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// GET, with "Connection: close": the server closes the connection after its answer; and with
// "Accept-Encoding: identity": the parser does not decompress.
std::string make_request(const Url& url);

// Give it what you receive, until it is done:
//
//     ResponseParser response(MAX_BYTES);
//     while (!response.done()) {
//         std::string data = socket.recv(16384);
//         if (data.empty()) {
//             response.end_of_stream();
//         } else {
//             response.feed(data);
//         }
//     }
//     if (response.error()) ...
//
// It takes the line ends CRLF and LF, header names in any case, and folded header lines (each
// fold becomes a space, as RFC 9112 section 5.2 asks of a client). It skips interim answers
// (1xx). Header section and trailers are limited to 64 KiB, the body to `max_body_bytes`. Never
// throws for what it is given, and takes linear time, even for one byte at a time.
class ResponseParser {
  public:
    explicit ResponseParser(std::size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

    void feed(std::string_view data); // ignored once it is done
    void end_of_stream();             // the server has closed the connection

    // The answer is complete, or there is an error: no need to receive more.
    bool done() const { return part_ == Part::done; }
    // What is wrong, for the user: "closed after 10 of 20 bytes". There is no body then.
    const std::optional<std::string>& error() const { return error_; }

    int status() const { return status_; } // 200, 404; 0: not known yet
    // The body without its transfer coding. Complete when done().
    const std::string& body() const { return body_; }
    std::string take_body() { return std::move(body_); }

    // Any case of the name. Several lines of one name are joined with ", " (RFC 9110
    // section 5.3).
    std::optional<std::string> header(std::string_view name) const;
    // Whether Content-Type is text/html or application/xhtml+xml, whatever its parameters.
    bool is_html() const;
    // Whether its body is a page whose links count: HTML, with a status 2xx.
    bool is_page() const { return status_ / 100 == 2 && is_html(); }
    // Whether Content-Encoding names a known one, such as gzip. Everything else means the body
    // as it is, as wget sees it: some servers send "none" there, or the name of a charset.
    bool is_encoded() const;
    // Where a redirect (301, 302, 303, 307, 308) leads: a reference for resolve().
    // std::nullopt: the answer is not a redirect.
    std::optional<std::string> location() const;

  private:
    // What the next byte belongs to.
    enum class Part {
        status_line,
        headers,
        body_of_known_size,
        body_until_close,
        chunk_size,
        chunk,
        chunk_end, // the line end after a chunk
        trailers,
        done,
    };

    std::size_t feed_line(std::string_view data);
    std::size_t feed_body(std::string_view data);
    void take_line(std::string_view line);
    void take_status_line(std::string_view line);
    void take_header_line(std::string_view line);
    void take_chunk_size(std::string_view line);
    void end_of_headers();
    void start_body_of(const std::string& content_length);
    void expect(std::size_t bytes, Part part);
    void fail_too_large();
    void fail(std::string error);

    std::size_t max_body_bytes_;
    Part part_ = Part::status_line;
    std::optional<std::string> error_;
    int status_ = 0;
    std::vector<std::pair<std::string, std::string>> headers_; // names in lower case
    std::string line_;                                         // the part of a line so far
    std::size_t section_bytes_ = 0;                            // of the header section so far
    std::size_t missing_ = 0; // bytes of the body, or of the chunk, that have not come yet
    std::string body_;
};
