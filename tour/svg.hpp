// What the two kinds of pictures share: colours, texts, a time axis, the lane of a client.
// Plain SVG with a background and fonts that every browser has, so that a file can be sent
// around and put on a slide.
#pragma once

#include "tour/watch.hpp"

#include <array>
#include <cstdio>
#include <string>

constexpr double PICTURE_WIDTH = 1000;

template <typename... Values>
std::string print(const char* format, Values... values) {
    std::array<char, 400> buffer{};
    std::snprintf(buffer.data(), buffer.size(), format, values...);
    return buffer.data();
}

// The whole file, for light and dark pages. `style` adds to its colours: the sizes of the
// texts. Where it is shown so small that nothing of it could be read, there are only three
// clients, a drawing for `words`, and these, unless they are empty.
std::string svg_document(double height, const std::string& style, const std::string& content,
                         const std::string& words = "");

// `look` is a class of the style.
std::string svg_text(double x, double y, const char* look, const std::string& text,
                     const char* anchor = "start");
std::string svg_bar(const char* look, double from, double to, double middle, double height);
std::string svg_answer(double x, double y, double radius);

// The times of a picture, from 0 at `left` to `end_ms` at `right`.
struct TimeAxis {
    double left;
    double right;
    double end_ms;

    double tick_ms() const; // from one line of the grid to the next
    double x_of(double ms) const;
    std::string grid(double top, double bottom) const;
    std::string numbers(double y, const char* look) const;
};

std::string svg_client(const TimeAxis& axis, const WatchedClient& client, double middle,
                       double height);
