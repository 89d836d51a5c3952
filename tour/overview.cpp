// The watched clients of all stages as one picture.
#include "tour/report.hpp"
#include "tour/svg.hpp"

#include <algorithm>
#include <cmath>

namespace {

constexpr double LEFT = 110; // of the lanes
constexpr double RIGHT = 960;
constexpr double TOP = 120;   // of the first panel
constexpr double LANE = 17;   // from one lane to the next
constexpr double HEADER = 26; // of a panel, above its lanes
constexpr double PANEL_GAP = 22;
constexpr double TIMES_SLOWER = 4; // than it was

const std::string STYLE = R"(    .title { font-size: 25px; font-weight: 700; }
    .about { font-size: 14.5px; }
    .stage { font-size: 15.5px; font-weight: 700; }
    .way { font-weight: 400; fill: #5a6672; }
    .seen { font-size: 13px; fill: #5a6672; }
    .label { font-size: 12px; fill: #5a6672; }
    @media (max-width: 400px) {
      .title { font-size: 44px; }
      .stage { font-size: 36px; }
      .seen, .label { display: none; }
    }
    @media (prefers-color-scheme: dark) { .way, .seen, .label { fill: #a7b1bc; } }
)";

TimeAxis axis_of(const Report& report) {
    TimeAxis axis{LEFT, RIGHT, 0};
    for (const StageReport& stage : report.stages) {
        axis.end_ms = std::max(axis.end_ms, stage.watched->wall_ms + 1);
    }
    axis.end_ms = std::ceil(axis.end_ms / axis.tick_ms()) * axis.tick_ms();
    return axis;
}

std::string head(const Scene& scene) {
    return svg_text(30, 44, "title", "One echo server, seven ways to wait") +
           "  <g class=\"large\">\n" +
           svg_text(30, 70, "about",
                    print("%zu clients connect at the same moment. Each sends %zu lines, and "
                          "thinks %d ms before the next one.",
                          scene.clients, scene.lines,
                          static_cast<int>(scene.thinking.count()))) +
           svg_bar("waits", 30, 54, 95, 4) + svg_text(62, 100, "label", "waits for an answer") +
           svg_bar("served", 204, 228, 95, 10) +
           svg_text(236, 100, "label", "is served: thinks about its next line") +
           svg_answer(480, 95, 4.5) + svg_text(492, 100, "label", "gets an answer") +
           "  </g>\n";
}

// What the clients did appears from left to right, once, and then stays. Where nothing moves, all
// of it is there from the beginning.
std::string curtain(const TimeAxis& axis, double bottom) {
    double width = RIGHT - LEFT + 20;
    return print("  <clipPath id=\"so_far\"><rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" "
                 "height=\"%.0f\">\n",
                 LEFT - 10, TOP, width, bottom - TOP) +
           print(
               "    <animate attributeName=\"width\" from=\"0\" to=\"%.0f\" dur=\"%.0fms\"/>\n",
               width, axis.end_ms * TIMES_SLOWER) +
           "  </rect></clipPath>\n";
}

double height_of(const Watched& watched) {
    return HEADER + double(watched.clients.size()) * LANE;
}

std::string panel(const TimeAxis& axis, const StageReport& report, double top) {
    const Watched& watched = *report.watched;
    std::string clients;
    std::string result =
        axis.grid(top + HEADER - 2, top + height_of(watched)) +
        svg_text(30, top + 15, "stage",
                 report.stage.name + "<tspan class=\"way\">, " + report.stage.way +
                     print(":</tspan> %.2f s", watched.wall_ms / 1000)) +
        svg_text(RIGHT, top + 15, "seen", watched.summary(), "end");
    for (std::size_t i = 0; i < watched.clients.size(); ++i) {
        double middle = top + HEADER + (double(i) + 0.5) * LANE;
        result += svg_text(LEFT - 12, middle + 4, "label", print("client %zu", i + 1), "end");
        clients += svg_client(axis, watched.clients[i], middle, 10);
    }
    return result + "  <g clip-path=\"url(#so_far)\">\n" + clients + "  </g>\n";
}

} // namespace

std::string as_svg(const Report& report) {
    TimeAxis axis = axis_of(report);
    std::string content = head(report.stages.front().watched->scene);
    double y = TOP;
    for (const StageReport& stage : report.stages) {
        content += panel(axis, stage, y);
        y += height_of(*stage.watched) + PANEL_GAP;
    }
    double bottom = y - PANEL_GAP + 6;
    content += curtain(axis, bottom) + axis.numbers(bottom + 10, "label") +
               svg_text((LEFT + RIGHT) / 2, bottom + 30, "label",
                        "milliseconds since the first client started to connect", "middle");
    return svg_document(bottom + 48, STYLE, content);
}
