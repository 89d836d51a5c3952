#include "tour/svg.hpp"

#include <algorithm>

namespace {

// Colours that differ in brightness, too: for those who cannot tell orange from green.
const std::string COLOURS = R"(
    text { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #24303c; }
    .paper { fill: #fbfaf7; stroke: #dcdfe3; }
    .grid { stroke: #dcdfe3; stroke-width: 1; }
    .waits { fill: #f0a63c; }
    .served { fill: #1f7a8c; }
    .answer { fill: #ffffff; stroke: #0d4a56; }
    .small { display: none; font-size: 86px; font-weight: 700; }
    .client { fill: #24303c; }
    .inside { fill: #fbfaf7; font-size: 90px; font-weight: 700; }
    .drawn { fill: none; stroke: #24303c; stroke-width: 8; }
    .lambda { font-size: 110px; font-weight: 700; fill: #f0a63c; }
    .written { font-size: 54px; font-weight: 700; }
    @media (max-width: 400px) { .large { display: none; } .small { display: inline; } }
    @media (prefers-color-scheme: dark) {
      text, .client { fill: #e8ebee; }
      .paper { fill: #1c2229; stroke: #38424d; }
      .inside { fill: #1c2229; }
      .drawn { stroke: #e8ebee; }
      .grid { stroke: #38424d; }
      .answer { fill: #1c2229; stroke: #8fdcec; }
    }
)";

std::string drawn_box(double x, double y, double width, double height, const char* more = "") {
    return print("  <rect class=\"drawn\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" "
                 "rx=\"10\"%s/>\n",
                 x - width / 2, y, width, height, more);
}

// What keeps the place of a client, below that client at (x, y): for each of the words another
// drawing.
std::string schematic(const std::string& words, int client, double x, double y) {
    if (words == "one stack for all" || words == "a stack for each") {
        std::string bars;
        for (int bar = 0; bar < 3 && (client == 1 || words == "a stack for each"); ++bar) {
            bars += svg_bar("waits", x - 65, x + 65, y + 16 + bar * 36, 28);
        }
        return bars;
    }
    if (words == "a struct in a list") {
        return drawn_box(x, y + 18, 120, 74) +
               (client == 3 ? "" : svg_bar("client", x + 60, x + 130, y + 55, 8));
    }
    if (words == "a callback") {
        return svg_text(x, y + 88, "lambda", "&#955;", "middle");
    }
    if (words == "a Future") {
        return drawn_box(x, y + 6, 130, 92, " stroke-dasharray=\"24 12\"") +
               svg_text(x, y + 75, "written", "?", "middle");
    }
    return drawn_box(x, y + 6, 184, 92) +
           svg_text(x, y + 68, "written", words == "a generator" ? "yield" : "await", "middle");
}

// For a picture that is only a few words large, as in a table.
std::string in_small(double height, const std::string& words) {
    double y = height / 2;
    std::string result = "  <g class=\"small\">\n";
    for (int client = 1; client <= 3; ++client) {
        double x = PICTURE_WIDTH / 2 + (client - 2) * 200;
        result += print("  <circle class=\"client\" cx=\"%.0f\" cy=\"%.0f\" r=\"70\"/>\n", x,
                        y - 135) +
                  svg_text(x, y - 103, "inside", std::to_string(client), "middle") +
                  schematic(words, client, x, y - 60);
    }
    return result + svg_text(PICTURE_WIDTH / 2, y + 145, "words", words, "middle") + "  </g>\n";
}

} // namespace

std::string svg_document(double height, const std::string& style, const std::string& content,
                         const std::string& words) {
    return print("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                 "width=\"%.0f\" height=\"%.0f\">\n",
                 PICTURE_WIDTH, height, PICTURE_WIDTH, height) +
           "  <style>" + COLOURS + style + "  </style>\n" +
           print("  <rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"%.0f\" "
                 "height=\"%.0f\" rx=\"10\"/>\n",
                 PICTURE_WIDTH - 1, height - 1) +
           (words.empty()
                ? content
                : "  <g class=\"large\">\n" + content + "  </g>\n" + in_small(height, words)) +
           "</svg>\n";
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
