#include "tour/svg.hpp"

#include <algorithm>

namespace {

// Colours that differ in brightness, too: for those who cannot tell orange from green.
const std::string COLOURS = R"(
    text { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #24303c; }
    .grid { stroke: #dcdfe3; stroke-width: 1; }
    .waits { fill: #f0a63c; }
    .served { fill: #1f7a8c; }
    .answer { fill: #ffffff; stroke: #0d4a56; }
)";

} // namespace

std::string svg_document(double height, const std::string& style, const std::string& content) {
    return print("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                 "width=\"%.0f\" height=\"%.0f\">\n",
                 PICTURE_WIDTH, height, PICTURE_WIDTH, height) +
           "  <style>" + COLOURS + style + "  </style>\n" +
           print("  <rect x=\"0.5\" y=\"0.5\" width=\"%.0f\" height=\"%.0f\" rx=\"10\" "
                 "fill=\"#fbfaf7\" stroke=\"#dcdfe3\"/>\n",
                 PICTURE_WIDTH - 1, height - 1) +
           content + "</svg>\n";
}

std::string svg_text(double x, double y, const char* look, const std::string& text,
                     const char* anchor) {
    return print("  <text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, look,
                 anchor) +
           text + "</text>\n";
}

std::string svg_bar(const char* look, double from, double to, double middle, double height) {
    return print("  <rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                 "height=\"%.1f\"/>\n",
                 look, from, middle - height / 2, to - from, height);
}

std::string svg_answer(double x, double y, double radius) {
    return print("  <circle class=\"answer\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" "
                 "stroke-width=\"%.1f\"/>\n",
                 x, y, radius, radius * 0.45);
}

double TimeAxis::tick_ms() const {
    return end_ms > 3000 ? 1000 : end_ms > 600 ? 100 : 50;
}

double TimeAxis::x_of(double ms) const {
    return left + std::clamp(ms / end_ms, 0.0, 1.0) * (right - left);
}

std::string TimeAxis::grid(double top, double bottom) const {
    std::string lines;
    for (double ms = 0; ms <= end_ms; ms += tick_ms()) {
        lines += print("  <line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                       "y2=\"%.1f\"/>\n",
                       x_of(ms), top, x_of(ms), bottom);
    }
    return lines;
}

std::string TimeAxis::numbers(double y, const char* look) const {
    std::string numbers;
    for (double ms = 0; ms <= end_ms; ms += tick_ms()) {
        numbers += svg_text(x_of(ms), y, look, print("%.0f", ms), "middle");
    }
    return numbers;
}

std::string svg_client(const TimeAxis& axis, const WatchedClient& client, double middle,
                       double height) {
    double first = client.lines.front().echoed_ms;
    std::string bars =
        svg_bar("served", axis.x_of(first), axis.x_of(client.closed_ms), middle, height);
    std::string answers;
    for (const WatchedLine& line : client.lines) {
        bars += svg_bar("waits", axis.x_of(line.sent_ms), axis.x_of(line.echoed_ms), middle,
                        height * 0.4);
        answers += svg_answer(axis.x_of(line.echoed_ms), middle, height * 0.45);
    }
    return bars + answers;
}
