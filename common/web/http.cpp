#include "common/web/http.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace {

constexpr std::size_t MAX_HEADER_BYTES = 64 * 1024;

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string to_lower(std::string_view text) {
    std::string lower;
    lower.reserve(text.size());
    for (char c : text) {
        lower += to_lower(c);
    }
    return lower;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// RFC 9110 section 5.6.3: what may be around a value.
bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

// RFC 9110 section 5.6.2
bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

// RFC 9110 section 5.5: a carriage return or a zero byte in a value is an attack or a mistake.
bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return (c < ' ' && c != '\t') || c == '\x7f'; });
}

// What is between the commas, in lower case, without what is empty (RFC 9110 section 5.6.1).
std::vector<std::string> list_of(std::string_view value) {
    std::vector<std::string> elements;
    while (!value.empty()) {
        std::size_t comma = value.find(',');
        std::string_view element = trim(value.substr(0, comma));
        if (!element.empty()) {
            elements.push_back(to_lower(element));
        }
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    }
    return elements;
}

// -1: not a digit of that base.
int digit_value(char c, unsigned base) {
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = to_lower(c);
    return base == 16 && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Takes the number that `text` starts with. One that is too large for a std::size_t is the
// largest of all. std::nullopt: there is none.
std::optional<std::size_t> take_number(std::string_view& text, unsigned base) {
    constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
    std::size_t number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && digit_value(text[digits], base) != -1; ++digits) {
        auto digit = static_cast<std::size_t>(digit_value(text[digits], base));
        number = number > (largest - digit) / base ? largest : number * base + digit;
    }
    text.remove_prefix(digits);
    return digits > 0 ? std::optional(number) : std::nullopt;
}

} // namespace

std::string make_request(const Url& url) {
    return "GET " + request_target(url) +
           " HTTP/1.1\r\n" //
           "Host: " +
           host_header(url) +
           "\r\n"
           "User-Agent: crawler/1.0\r\n"
           "Accept: */*\r\n"
           "Accept-Encoding: identity\r\n" // not compressed
           "Connection: close\r\n"
           "\r\n";
}

void ResponseParser::feed(std::string_view data) {
    while (!done() && !data.empty()) {
        bool is_body = part_ == Part::body_of_known_size || part_ == Part::body_until_close ||
                       part_ == Part::chunk;
        data.remove_prefix(is_body ? feed_body(data) : feed_line(data));
    }
}

void ResponseParser::end_of_stream() {
    switch (part_) {
    case Part::status_line:
    case Part::headers:
        fail(section_bytes_ == 0 ? "closed without an answer"
                                 : "closed in the middle of the header");
        break;
    case Part::body_of_known_size:
        fail("closed after " + std::to_string(body_.size()) + " of " +
             std::to_string(body_.size() + missing_) + " bytes");
        break;
    case Part::chunk_size:
    case Part::chunk:
    case Part::chunk_end:
        fail("closed before the last chunk");
        break;
    case Part::body_until_close:
    case Part::trailers: // the body is complete without them (RFC 9112 section 8)
    case Part::done:
        part_ = Part::done;
        break;
    }
}

std::optional<std::string> ResponseParser::header(std::string_view name) const {
    std::string lower_name = to_lower(name);
    std::optional<std::string> joined;
    for (const auto& [its_name, value] : headers_) {
        if (its_name == lower_name && joined) {
            *joined += ", ";
            *joined += value;
        } else if (its_name == lower_name) {
            joined = value;
        }
    }
    return joined;
}

bool ResponseParser::is_html() const {
    std::string type = header("content-type").value_or("");
    type = to_lower(trim(std::string_view(type).substr(0, type.find_first_of(";,"))));
    return type == "text/html" || type == "application/xhtml+xml";
}

bool ResponseParser::is_encoded() const {
    // The registered ones (RFC 9110 section 16.6.1), and the other names of section 8.4.1.
    constexpr std::string_view known[] = {"aes128gcm",    "br",         "compress", "dcb",
                                          "dcz",          "deflate",    "exi",      "gzip",
                                          "pack200-gzip", "x-compress", "x-gzip",   "zstd"};
    std::vector<std::string> codings = list_of(header("content-encoding").value_or(""));
    return std::find_first_of(codings.begin(), codings.end(), std::begin(known),
                              std::end(known)) != codings.end();
}

std::optional<std::string> ResponseParser::location() const {
    constexpr int redirects[] = {301, 302, 303, 307, 308};
    if (std::find(std::begin(redirects), std::end(redirects), status_) == std::end(redirects)) {
        return std::nullopt;
    }
    for (const auto& [name, value] : headers_) {
        if (name == "location") {
            return value;
        }
    }
    return std::nullopt;
}

// Returns how much it has used.
std::size_t ResponseParser::feed_line(std::string_view data) {
    std::size_t end = data.find('\n');
    bool is_complete = end != std::string_view::npos;
    std::string_view piece = data.substr(0, end);
    std::size_t used = piece.size() + (is_complete ? 1 : 0);
    section_bytes_ += used;
    if (section_bytes_ > MAX_HEADER_BYTES) {
        fail("header larger than " + std::to_string(MAX_HEADER_BYTES) + " bytes");
        return used;
    }
    line_ += piece;
    if (is_complete) {
        if (line_.ends_with('\r')) {
            line_.pop_back();
        }
        take_line(std::exchange(line_, {}));
    }
    return used;
}

// Returns how much it has used.
std::size_t ResponseParser::feed_body(std::string_view data) {
    if (part_ == Part::body_until_close) {
        if (data.size() > max_body_bytes_ - body_.size()) {
            fail_too_large();
        } else {
            body_ += data;
        }
        return data.size();
    }
    std::string_view piece = data.substr(0, missing_);
    body_ += piece;
    missing_ -= piece.size();
    if (missing_ == 0) {
        part_ = part_ == Part::chunk ? Part::chunk_end : Part::done;
    }
    return piece.size();
}

void ResponseParser::take_line(std::string_view line) {
    switch (part_) {
    case Part::status_line:
        take_status_line(line);
        break;
    case Part::headers:
        if (line.empty()) {
            end_of_headers();
        } else {
            take_header_line(line);
        }
        break;
    case Part::chunk_size:
        take_chunk_size(line);
        break;
    case Part::chunk_end:
        if (line.empty()) {
            part_ = Part::chunk_size;
        } else {
            fail("malformed chunk");
        }
        break;
    default: // trailers: nothing in them is for us
        if (line.empty()) {
            part_ = Part::done;
        }
        break;
    }
}

// "HTTP/1.1 200 OK" (RFC 9112 section 4). The reason may be missing, with its space.
void ResponseParser::take_status_line(std::string_view line) {
    std::string_view rest = line;
    bool is_http =
        rest.starts_with("HTTP/1.") && rest.size() > 8 && is_digit(rest[7]) && rest[8] == ' ';
    if (!is_http) {
        fail("not an HTTP/1 answer");
        return;
    }
    rest.remove_prefix(9);
    std::size_t length = rest.size();
    std::optional<std::size_t> status = take_number(rest, 10);
    bool has_three_digits = length - rest.size() == 3;
    if (!status || !has_three_digits || *status < 100 || *status > 599 ||
        !(rest.empty() || rest[0] == ' ')) {
        fail("malformed status line");
        return;
    }
    status_ = static_cast<int>(*status);
    part_ = Part::headers;
}

// "Name: value" (RFC 9112 section 5)
void ResponseParser::take_header_line(std::string_view line) {
    if (is_blank(line[0]) && !headers_.empty() && !has_control_character(line)) { // folded
        headers_.back().second += " ";
        headers_.back().second += trim(line);
        return;
    }
    std::size_t colon = line.find(':');
    std::string_view name = trim(line.substr(0, colon));
    if (colon == std::string_view::npos || is_blank(line[0]) || !is_token(name) ||
        has_control_character(line)) {
        fail("malformed header line");
        return;
    }
    headers_.emplace_back(to_lower(name), trim(line.substr(colon + 1)));
}

// How long is the body? RFC 9112 section 6.3 has the rules, in this order.
void ResponseParser::end_of_headers() {
    if (status_ < 200) { // RFC 9110 section 15.2: any number of these may come first
        status_ = 0;
        headers_.clear();
        part_ = Part::status_line;
        return;
    }
    if (status_ == 204 || status_ == 304) {
        part_ = Part::done;
        return;
    }
    if (std::optional<std::string> coding = header("transfer-encoding")) {
        if (list_of(*coding) == std::vector<std::string>{"chunked"}) {
            section_bytes_ = 0;
            part_ = Part::chunk_size;
        } else {
            fail("unknown Transfer-Encoding");
        }
        return;
    }
    if (std::optional<std::string> length = header("content-length")) {
        start_body_of(*length);
        return;
    }
    part_ = Part::body_until_close;
}

// Some servers send the same length twice; different ones are an attack or a mistake (RFC 9110
// section 8.6).
void ResponseParser::start_body_of(const std::string& content_length) {
    std::vector<std::string> lengths = list_of(content_length);
    std::optional<std::size_t> bytes;
    for (const std::string& text : lengths) {
        std::string_view rest = text;
        std::optional<std::size_t> number = take_number(rest, 10);
        if (!number || !rest.empty() || (bytes && *bytes != *number)) {
            fail("malformed Content-Length");
            return;
        }
        bytes = number;
    }
    if (!bytes) {
        fail("malformed Content-Length");
        return;
    }
    expect(*bytes, Part::body_of_known_size);
}

// "1a;name=value" (RFC 9112 section 7.1); the extension is not for us.
void ResponseParser::take_chunk_size(std::string_view line) {
    std::optional<std::size_t> bytes = take_number(line, 16);
    line = trim(line);
    if (!bytes || !(line.empty() || line[0] == ';')) {
        fail("malformed chunk");
        return;
    }
    section_bytes_ = 0;
    if (*bytes == 0) {
        part_ = Part::trailers;
    } else {
        expect(*bytes, Part::chunk);
    }
}

// That many bytes of the body come next.
void ResponseParser::expect(std::size_t bytes, Part part) {
    if (bytes > max_body_bytes_ - body_.size()) {
        fail_too_large();
        return;
    }
    missing_ = bytes;
    part_ = bytes == 0 ? Part::done : part;
}

void ResponseParser::fail_too_large() {
    fail("page larger than " + std::to_string(max_body_bytes_) + " bytes");
}

void ResponseParser::fail(std::string error) {
    error_ = std::move(error);
    body_.clear();
    line_.clear();
    part_ = Part::done;
}
