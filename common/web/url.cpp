#include "common/web/url.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace {

// RFC 9110 section 4.1 asks for at least 8000. There has to be a limit: a hostile page can have
// a long address and many short links, each of which means an address as long.
constexpr std::size_t MAX_URL_BYTES = 8000;

constexpr std::size_t MAX_HOST_BYTES = 253; // RFC 1035 section 2.3.4, as text
constexpr std::size_t MAX_LABEL_BYTES = 63;

// The functions of <cctype> depend on the locale, and are undefined for a negative char.
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

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

// -1: not a hexadecimal digit.
int hex_value(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 3986 section 2.3
bool is_unreserved(char c) {
    return is_letter(c) || is_digit(c) || std::string_view("-._~").find(c) != std::string::npos;
}

// What a path or query may contain as it is (RFC 3986 section 3.3, pchar and "/", section 3.4).
bool is_path_or_query(char c) {
    return is_unreserved(c) || std::string_view("!$&'()*+,;=:@/?").find(c) != std::string::npos;
}

bool is_space_or_control(char c) {
    auto byte = static_cast<unsigned char>(c); // from 128 on it is neither
    return byte <= 0x20 || byte == 0x7f;
}

// ---- the five components (RFC 3986 section 3)

struct Reference {
    std::optional<std::string> scheme = {};
    std::optional<std::string> authority = {};
    std::string path = {};
    std::optional<std::string> query = {};
    std::optional<std::string> fragment = {};
};

// The length of the scheme that the text starts with, 0 if there is none (section 3.1).
std::size_t scheme_length(std::string_view text) {
    if (text.empty() || !is_letter(text[0])) {
        return 0;
    }
    std::size_t length = 1;
    while (length < text.size() &&
           (is_letter(text[length]) || is_digit(text[length]) || text[length] == '+' ||
            text[length] == '-' || text[length] == '.')) {
        ++length;
    }
    return length < text.size() && text[length] == ':' ? length : 0;
}

// Takes from `text` what precedes the first of `delimiters`.
std::string take_until(std::string_view& text, std::string_view delimiters) {
    std::string_view taken = text.substr(0, text.find_first_of(delimiters));
    text.remove_prefix(taken.size());
    return std::string(taken);
}

Reference split(std::string_view text) {
    Reference parts;
    if (std::size_t length = scheme_length(text); length > 0) {
        parts.scheme = text.substr(0, length);
        text.remove_prefix(length + 1);
    }
    if (text.starts_with("//")) {
        text.remove_prefix(2);
        parts.authority = take_until(text, "/?#");
    }
    parts.path = take_until(text, "?#");
    if (text.starts_with('?')) {
        text.remove_prefix(1);
        parts.query = take_until(text, "#");
    }
    if (text.starts_with('#')) {
        parts.fragment = text.substr(1);
    }
    return parts;
}

// Section 5.3
std::string join(const Reference& parts) {
    std::string text;
    if (parts.scheme) {
        text += *parts.scheme + ":";
    }
    if (parts.authority) {
        text += "//" + *parts.authority;
    }
    text += parts.path;
    if (parts.query) {
        text += "?" + *parts.query;
    }
    if (parts.fragment) {
        text += "#" + *parts.fragment;
    }
    return text;
}

// ---- resolving (section 5.2)

// Section 5.2.4, step by step: A to E are its letters. Each step takes at least one character
// from the input, and what is taken back from the output was put there only once.
std::string remove_dot_segments(std::string_view input) {
    std::string output;
    while (!input.empty()) {
        if (input.starts_with("../")) { // A
            input.remove_prefix(3);
        } else if (input.starts_with("./")) {
            input.remove_prefix(2);
        } else if (input.starts_with("/./")) { // B
            input.remove_prefix(2);
        } else if (input == "/.") {
            input.remove_suffix(1);
        } else if (input.starts_with("/../") || input == "/..") { // C
            std::size_t slash = output.rfind('/');
            output.erase(slash == std::string::npos ? 0 : slash);
            input.remove_prefix(3);
            if (input.empty()) {
                input = "/";
            }
        } else if (input == "." || input == "..") { // D
            input = {};
        } else { // E
            std::string_view segment = input.substr(0, input.find('/', 1));
            output += segment;
            input.remove_prefix(segment.size());
        }
    }
    return output;
}

// Section 5.2.3
std::string merge(const Reference& base, const std::string& path) {
    if (base.authority && base.path.empty()) {
        return "/" + path;
    }
    return base.path.substr(0, base.path.rfind('/') + 1) + path; // npos + 1 is 0
}

// Section 5.2.2
Reference transform(const Reference& base, Reference reference) {
    Reference target;
    target.fragment = reference.fragment;
    if (reference.scheme || reference.authority) {
        target = reference;
        target.scheme = reference.scheme ? reference.scheme : base.scheme;
        target.path = remove_dot_segments(reference.path);
        return target;
    }
    target.scheme = base.scheme;
    target.authority = base.authority;
    target.query = reference.query;
    if (reference.path.empty()) {
        target.path = base.path;
        if (!reference.query) {
            target.query = base.query;
        }
    } else if (reference.path.starts_with('/')) {
        target.path = remove_dot_segments(reference.path);
    } else {
        target.path = remove_dot_segments(merge(base, reference.path));
    }
    return target;
}

// ---- http URLs

void append_encoded(std::string& text, char byte) {
    constexpr char digits[] = "0123456789ABCDEF";
    auto value = static_cast<unsigned char>(byte);
    text += '%';
    text += digits[value / 16];
    text += digits[value % 16];
}

// Upper-case digits, nothing encoded that need not be (section 6.2.2), everything encoded that
// must be. The '%' of a malformed encoding becomes %25, or doing this twice could make another
// URL of it: %4%31, %41, A.
std::string normalise_encoding(std::string_view component) {
    std::string normal;
    normal.reserve(component.size());
    for (std::size_t i = 0; i < component.size(); ++i) {
        char byte = component[i];
        if (byte == '%' && i + 2 < component.size() && hex_value(component[i + 1]) != -1 &&
            hex_value(component[i + 2]) != -1) {
            byte = static_cast<char>(hex_value(component[i + 1]) * 16 +
                                     hex_value(component[i + 2]));
            i += 2;
            if (is_unreserved(byte)) {
                normal += byte;
            } else {
                append_encoded(normal, byte);
            }
        } else if (is_path_or_query(byte)) {
            normal += byte;
        } else {
            append_encoded(normal, byte);
        }
    }
    return normal;
}

// A host name, or an IPv4 address, which looks like one. Names outside ASCII are expected in
// their xn-- form.
bool is_host_name(std::string_view host) {
    if (host.ends_with('.')) { // the root of the name system
        host.remove_suffix(1);
    }
    if (host.empty() || host.size() > MAX_HOST_BYTES) {
        return false;
    }
    std::size_t label_bytes = 0;
    for (char c : host) {
        if (c == '.' && label_bytes > 0) {
            label_bytes = 0;
        } else if (is_letter(c) || is_digit(c) || c == '-' || c == '_') {
            ++label_bytes;
        } else {
            return false;
        }
        if (label_bytes > MAX_LABEL_BYTES) {
            return false;
        }
    }
    return label_bytes > 0;
}

// The one way to write an IPv6 address (RFC 5952).
std::optional<std::string> canonical_ipv6(std::string_view text) {
    if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) {
        return std::nullopt; // inet_pton reads no further than a '\0'
    }
    in6_addr address{};
    char canonical[INET6_ADDRSTRLEN];
    if (::inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1 ||
        ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical) == nullptr) {
        return std::nullopt;
    }
    return canonical;
}

// An empty port is the default one (section 6.2.3).
std::optional<std::uint16_t> parse_port(std::string_view text) {
    unsigned port = text.empty() ? 80 : 0;
    for (char c : text) {
        if (!is_digit(c)) {
            return std::nullopt;
        }
        port = port * 10 + static_cast<unsigned>(c - '0');
        if (port > 65535) {
            return std::nullopt;
        }
    }
    if (port == 0) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(port);
}

// Section 3.2, without userinfo: RFC 9110 section 4.2.4 forbids it in what we send, and calls
// it a way to deceive in what we receive.
bool parse_authority(std::string_view authority, Url& url) {
    if (authority.starts_with('[')) {
        std::size_t bracket = authority.find(']');
        if (bracket == std::string::npos) {
            return false;
        }
        std::optional<std::string> address = canonical_ipv6(authority.substr(1, bracket - 1));
        if (!address) {
            return false;
        }
        url.host = *address;
        authority.remove_prefix(bracket + 1);
    } else {
        std::string_view host = authority.substr(0, authority.find(':'));
        if (!is_host_name(host)) {
            return false;
        }
        url.host = to_lower(host);
        authority.remove_prefix(host.size());
    }
    if (authority.empty()) {
        return true;
    }
    if (authority[0] != ':') {
        return false;
    }
    std::optional<std::uint16_t> port = parse_port(authority.substr(1));
    url.port = port.value_or(0);
    return port.has_value();
}

std::optional<Url> make_url(const Reference& parts) {
    Url url;
    if (!parts.scheme || to_lower(*parts.scheme) != "http" || !parts.authority ||
        !parse_authority(*parts.authority, url)) {
        return std::nullopt;
    }
    url.path = remove_dot_segments(normalise_encoding(parts.path));
    if (url.path.empty()) {
        url.path.push_back('/'); // section 6.2.3
    }
    url.has_query = parts.query.has_value();
    url.query = normalise_encoding(parts.query.value_or(""));
    if (url.path.size() + url.query.size() > MAX_URL_BYTES) {
        return std::nullopt;
    }
    return url;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space_or_control(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space_or_control(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

} // namespace

std::optional<Url> parse_url(std::string_view text) {
    if (std::any_of(text.begin(), text.end(), is_space_or_control)) {
        return std::nullopt;
    }
    return make_url(split(text));
}

std::string scheme_of(std::string_view text) {
    text = trim(text);
    return to_lower(text.substr(0, scheme_length(text)));
}

std::string to_text(const Url& url) {
    return "http://" + host_header(url) + request_target(url);
}

std::string request_target(const Url& url) {
    return url.has_query ? url.path + "?" + url.query : url.path;
}

std::string host_header(const Url& url) {
    bool is_ipv6 = url.host.find(':') != std::string::npos;
    std::string text = url.host;
    if (is_ipv6) {
        text.insert(text.begin(), '[');
        text.push_back(']');
    }
    if (url.port != 80) {
        text.push_back(':');
        text += std::to_string(url.port);
    }
    return text;
}

bool is_same_site(const Url& one, const Url& other) {
    return one.host == other.host && one.port == other.port;
}

std::optional<Url> resolve(const Url& base, std::string_view reference) {
    std::string cleaned; // as in the URL Standard of browsers, section 4.4
    for (char c : trim(reference)) {
        if (c != '\t' && c != '\n' && c != '\r') {
            cleaned += c;
        }
    }
    Reference base_parts;
    base_parts.scheme = "http";
    base_parts.authority = host_header(base);
    base_parts.path = base.path;
    if (base.has_query) {
        base_parts.query = base.query;
    }
    Reference parts = split(cleaned);
    parts.path = normalise_encoding(parts.path); // first: %2E%2E/ means ../
    return make_url(transform(base_parts, std::move(parts)));
}

std::string resolve_reference(std::string_view base, std::string_view reference) {
    return join(transform(split(base), split(reference)));
}
