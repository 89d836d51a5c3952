// What the tests of URLs, HTML and HTTP have in common.
#pragma once

#include "common/web/url.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using Strings = std::vector<std::string>;

// How doctest shows them when a test fails.
template <>
struct doctest::StringMaker<Strings> {
    static String convert(const Strings& strings) {
        std::string all;
        for (const std::string& text : strings) {
            all += "\"" + text + "\" ";
        }
        return String(all.c_str());
    }
};

inline Url url_of(std::string_view text) {
    std::optional<Url> url = parse_url(text);
    REQUIRE(url.has_value());
    return *url;
}

inline std::string repeat(std::string_view text, std::size_t count) {
    std::string all;
    all.reserve(text.size() * count);
    for (std::size_t i = 0; i < count; ++i) {
        all += text;
    }
    return all;
}
