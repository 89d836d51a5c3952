// http URLs: takes them apart, puts them together again, and finds out which page a link on
// another page means (RFC 3986). It exists so that a crawler can tell whether it knows a page:
// two Urls for the same page compare equal. Bad input is std::nullopt, never an exception.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// An absolute http URL without its fragment, in canonical form (RFC 3986 section 6.2.2):
// parse_url and resolve make no others.
struct Url {
    std::string host; // lower case; an IPv6 address without its brackets
    std::uint16_t port = 80;
    std::string path = "/"; // percent-encoded, without dot segments
    std::string query = {}; // percent-encoded, without '?'
    bool has_query = false; // "/search?" and "/search" may be different pages

    bool operator==(const Url&) const = default;
};

// An absolute URL as a user types it. std::nullopt: it is not one, its scheme is not http, or
// it has a user name, a bad host or port, a space or a control character.
std::optional<Url> parse_url(std::string_view text);

// "https" for "HTTPS://example.com/": what to say about a URL that parse_url does not take.
// Empty: it does not start with a scheme.
std::string scheme_of(std::string_view text);

// Canonical: equal texts mean equal Urls, and parse_url(to_text(url)) is `url` again.
std::string to_text(const Url& url);

// What the first line of a request asks for: "/search?q=1" (RFC 9112 section 3.2.1).
std::string request_target(const Url& url);

// The value of the Host header: "example.com", "[::1]:8080" (RFC 9110 section 7.2).
std::string host_header(const Url& url);

// Whether two pages are on the same host and port.
bool is_same_site(const Url& one, const Url& other);

// What the reference, as in <a href="reference">, means on the page `base`. Like a browser,
// drops white space around it and line breaks within, and percent-encodes what may not be in a
// URL. std::nullopt: it is not an http URL. Takes time linear in the length of both.
std::optional<Url> resolve(const Url& base, std::string_view reference);

// The same for any URI, as text, to the letter of RFC 3986 section 5.2 (the strict form).
// Nothing is checked, encoded or dropped.
std::string resolve_reference(std::string_view base, std::string_view reference);
