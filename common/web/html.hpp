// Finds the links in HTML: the href and src attributes of all tags. It reads tags and
// attributes as browsers do (HTML Living Standard section 13.2.5, "Tokenization") but builds no
// document, so it takes any bytes at all, in linear time.
#pragma once

#include "common/web/url.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct Links {
    std::optional<std::string> base;     // of the first <base href=...>
    std::vector<std::string> references; // all other href and src values, in order
};

// The values are as written, but with their character references decoded (&amp; &lt; &gt;
// &quot; &apos; and numeric ones; others stay as they are). Not looked at: comments, and the
// contents of elements that are text, such as <script> and <title>.
Links find_links(std::string_view html);

// The pages that the page `page` with the contents `html` links to: each once, in order. What
// is not http is left out.
std::vector<Url> links_of(std::string_view html, const Url& page);
