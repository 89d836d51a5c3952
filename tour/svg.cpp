// The watched clients of all stages as one picture. Plain SVG with a background and fonts that
// every browser has, so that the file can be sent around and put on a slide.
#include "tour/report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace {

constexpr double WIDTH = 1000;
constexpr double LEFT = 110; // of the lanes
constexpr double RIGHT = 960;
constexpr double TOP = 120;   // of the first panel
constexpr double LANE = 17;   // from one lane to the next
constexpr double HEADER = 26; // of a panel, above its lanes
constexpr double PANEL_GAP = 22;

const std::string STYLE = R"(  <style>
    text { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #24303c; }
    .title { font-size: 25px; font-weight: 700; }
    .about { font-size: 14.5px; }
    .stage { font-size: 15.5px; font-weight: 700; }
    .way { font-weight: 400; fill: #5a6672; }
    .seen { font-size: 13px; fill: #5a6672; }
    .small { font-size: 12px; fill: #5a6672; }
    .grid { stroke: #dcdfe3; stroke-width: 1; }
    .waits { fill: #f0a63c; }
    .served { fill: #1f7a8c; }
    .answer { fill: #ffffff; stroke: #0d4a56; stroke-width: 2; }
  </style>
)";

template <typename... Values>
std::string print(const char* format, Values... values) {
    std::array<char, 400> buffer{};
    std::snprintf(buffer.data(), buffer.size(), format, values...);
    return buffer.data();
}

std::string write(double x, double y, const char* look, const std::string& text,
                  const char* anchor = "start") {
    return print("  <text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, look,
                 anchor) +
           text + "</text>\n";
}

class Picture {
  public:
    explicit Picture(const Report& report) : report_(report) {
        double longest = 0;
        for (const StageReport& stage : report.stages) {
            longest = std::max(longest, stage.watched->wall_ms);
        }
        tick_ms_ = longest > 3000 ? 1000 : longest > 600 ? 100 : 50;
        end_ms_ = std::ceil((longest + 1) / tick_ms_) * tick_ms_;
    }

    std::string draw() {
        double lanes = double(WATCHED_CLIENTS) * LANE;
        double y = TOP;
        std::string panels;
        for (const StageReport& stage : report_.stages) {
            panels += panel(stage, y);
            y += HEADER + lanes + PANEL_GAP;
        }
        double bottom = y - PANEL_GAP + 6;
        double height = bottom + 48;
        return print("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                     "width=\"%.0f\" height=\"%.0f\">\n",
                     WIDTH, height, WIDTH, height) +
               STYLE +
               print("  <rect x=\"0.5\" y=\"0.5\" width=\"%.0f\" height=\"%.0f\" rx=\"10\" "
                     "fill=\"#fbfaf7\" stroke=\"#dcdfe3\"/>\n",
                     WIDTH - 1, height - 1) +
               head() + panels + axis(bottom) + "</svg>\n";
    }

  private:
    double x_of(double ms) const { return LEFT + ms / end_ms_ * (RIGHT - LEFT); }

    static std::string head() {
        return write(30, 44, "title", "One echo server, seven ways to wait") +
               write(30, 70, "about",
                     print("%zu clients connect at the same moment. Each sends %zu lines, and "
                           "thinks %d ms before the next one.",
                           WATCHED_CLIENTS, WATCHED_LINES,
                           static_cast<int>(THINKING_TIME.count()))) +
               bar("waits", 30, 54, 93, 4) + write(62, 100, "small", "waits for an answer") +
               bar("served", 204, 228, 90, 10) +
               write(236, 100, "small", "is served: thinks about its next line") +
               answer(480, 95) + write(492, 100, "small", "gets an answer");
    }

    std::string panel(const StageReport& report, double top) const {
        const Watched& watched = *report.watched;
        double lanes_top = top + HEADER;
        std::string result =
            grid(lanes_top - 2, lanes_top + double(WATCHED_CLIENTS) * LANE) +
            write(30, top + 15, "stage",
                  report.stage.name + "<tspan class=\"way\">, " + report.stage.way +
                      print(":</tspan> %.2f s", watched.wall_ms / 1000)) +
            write(RIGHT, top + 15, "seen", watched.summary(), "end");
        for (std::size_t i = 0; i < watched.clients.size(); ++i) {
            double middle = lanes_top + (double(i) + 0.5) * LANE;
            result += write(LEFT - 12, middle + 4, "small", print("client %zu", i + 1), "end") +
                      lane(watched.clients[i], middle);
        }
        return result;
    }

    std::string lane(const WatchedClient& client, double middle) const {
        double first = client.lines.front().echoed_ms;
        std::string bars = bar("served", x_of(first), x_of(client.closed_ms), middle - 5, 10);
        std::string answers;
        for (const WatchedLine& line : client.lines) {
            bars += bar("waits", x_of(line.sent_ms), x_of(line.echoed_ms), middle - 2, 4);
            answers += answer(x_of(line.echoed_ms), middle);
        }
        return bars + answers;
    }

    static std::string bar(const char* look, double from, double to, double top,
                           double height) {
        return print("  <rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                     "height=\"%.1f\"/>\n",
                     look, from, top, to - from, height);
    }

    static std::string answer(double x, double y) {
        return print("  <circle class=\"answer\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>\n", x, y);
    }

    std::string grid(double top, double bottom) const {
        std::string lines;
        for (double ms = 0; ms <= end_ms_; ms += tick_ms_) {
            lines += print("  <line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                           "y2=\"%.1f\"/>\n",
                           x_of(ms), top, x_of(ms), bottom);
        }
        return lines;
    }

    std::string axis(double y) const {
        std::string numbers;
        for (double ms = 0; ms <= end_ms_; ms += tick_ms_) {
            numbers += write(x_of(ms), y + 10, "small", print("%.0f", ms), "middle");
        }
        return numbers + write((LEFT + RIGHT) / 2, y + 30, "small",
                               "milliseconds since the first client started to connect",
                               "middle");
    }

    const Report& report_;
    double tick_ms_ = 100;
    double end_ms_ = 1000;
};

} // namespace

std::string as_svg(const Report& report) {
    return Picture(report).draw();
}
