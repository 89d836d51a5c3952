#include "tour/timeline.hpp"

#include "tour/server.hpp"
#include "tour/svg.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <stdlib.h>

namespace {

// A file for the trace of a server, gone at the end.
struct TraceFile {
    std::string path = std::filesystem::temp_directory_path() / "echo_trace_XXXXXX";
    Descriptor file{::mkstemp(path.data())};

    TraceFile() {
        if (file.get() == -1) {
            throw std::runtime_error("cannot make a file for the trace: " + path);
        }
    }
    ~TraceFile() { std::filesystem::remove(path); }
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;
};

} // namespace

Timeline watch_both_sides(const Stage& stage) {
    constexpr std::chrono::milliseconds AFTERWARDS(50); // the server waits for more clients
    TraceFile trace;
    ServerSetup setup;
    setup.environment = {"ECHO_TRACE=" + trace.path};
    Timeline timeline{stage, {}, {}, 0};
    with_server(
        stage,
        [&](ServerProcess& server) {
            timeline.watched = watch(server, IN_TURN);
            std::this_thread::sleep_for(AFTERWARDS);
            timeline.end_ms = std::chrono::duration<double, std::milli>(
                                  std::chrono::steady_clock::now() - timeline.watched.start)
                                  .count();
            std::ifstream lines(trace.path);
            timeline.threads = read_threads(lines, timeline.watched.start,
                                            stage.name == "03_select" ? "select" : "");
        },
        setup);
    return timeline;
}

namespace {

constexpr double LEFT = 118; // of the lanes
constexpr double RIGHT = 970;
constexpr double MARGIN = 30;
constexpr double TOP = 132;   // of the first panel
constexpr double HEADER = 40; // of a panel, above its lanes
constexpr double LANE = 42;   // from one lane to the next
constexpr double PANEL_GAP = 34;
constexpr double BAR = 28;     // height of a wait
constexpr double DIGIT = 10.5; // width, at most, of a character in a lane

const std::string STYLE = R"(    .title { font-size: 30px; font-weight: 700; }
    .summary { font-size: 19px; }
    .side { font-size: 19px; font-weight: 700; }
    .legend { font-size: 16.5px; fill: #4a5662; }
    .lane { font-size: 18px; }
    .call { font-size: 18px; }
    .axis { font-size: 16px; fill: #4a5662; }
    .asleep { fill: #cfd9e6; stroke: #93a5bb; }
    .runs { fill: #24303c; }
    .whom { font-size: 16px; font-weight: 700; fill: #ffffff; }
)";

std::string plural(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string label(double middle, const char* look, const std::string& text, double x,
                  const char* anchor = "middle") {
    return svg_text(x, middle + 6, look, text, anchor);
}

// A moment of work, wide enough to be seen: with the numbers of the clients it was for.
std::string work(double from, double to, double middle,
                 const std::vector<std::size_t>& clients) {
    std::string whom;
    for (std::size_t client : clients) {
        whom += print(whom.empty() ? "%zu" : " %zu", client);
    }
    double width = std::max(to - from, 9 + DIGIT * double(whom.size()));
    double centre = std::clamp((from + to) / 2, LEFT + width / 2, RIGHT - width / 2);
    return svg_bar("runs", centre - width / 2, centre + width / 2, middle, BAR) +
           label(middle, "whom", whom, centre);
}

// The system call and for whom it waits, as much of it as there is room for.
std::string wait(double from, double to, double middle, const Turn& turn) {
    std::string whom = ", any client";
    if (turn.call == "recv" || turn.call == "send") {
        whom = turn.clients.empty() ? "" : print(", client %zu", turn.clients.front());
    }
    double room = (to - from - 6) / (DIGIT * 0.9);
    std::string text = turn.call + whom;
    if (double(text.size()) > room) {
        text = double(turn.call.size()) > room ? "" : turn.call;
    }
    return svg_bar("asleep", from, to, middle, BAR) +
           label(middle, "call", text, (from + to) / 2);
}

std::string thread_lane(const TimeAxis& axis, const ServerThread& thread, double middle) {
    double shortest_ms = axis.end_ms / 100; // that can be seen
    std::vector<Turn> turns = join_short_waits(thread.turns, shortest_ms);
    std::string waits;
    std::string works;
    for (std::size_t i = 0; i < turns.size(); ++i) {
        double next = i + 1 < turns.size() ? turns[i + 1].from_ms : thread.last_ms;
        const Turn& turn = turns[i];
        waits += wait(axis.x_of(turn.from_ms), axis.x_of(turn.to_ms), middle, turn);
        if (next >= turn.to_ms && next > 0) {
            works += work(axis.x_of(turn.to_ms), axis.x_of(next), middle, turn.clients);
        }
    }
    return waits + works;
}

std::string head(const Timeline& timeline) {
    const Scene& scene = timeline.watched.scene;
    return svg_text(MARGIN, 50, "title", timeline.stage.name + ": " + timeline.stage.way) +
           svg_text(MARGIN, 82, "summary",
                    print("%zu clients come %d ms apart. Each sends %zu lines, and thinks %d "
                          "ms between them.",
                          scene.clients, static_cast<int>(scene.apart.count()), scene.lines,
                          static_cast<int>(scene.thinking.count()))) +
           svg_text(MARGIN, 108, "summary", timeline.watched.summary());
}

std::string client_panel(const TimeAxis& axis, const Watched& watched, double top) {
    double y = top + 14;
    std::string result =
        svg_text(MARGIN, y + 6, "side", "The clients") + svg_bar("waits", 300, 336, y, 9) +
        svg_text(344, y + 6, "legend", "waits for an answer") + svg_answer(530, y, 9) +
        svg_text(546, y + 6, "legend", "gets it") + svg_bar("served", 640, 676, y, 20) +
        svg_text(684, y + 6, "legend", "thinks about its next line");
    for (std::size_t i = 0; i < watched.clients.size(); ++i) {
        double middle = top + HEADER + (double(i) + 0.5) * LANE;
        result += label(middle, "lane", print("client %zu", i + 1), LEFT - 12, "end") +
                  svg_client(axis, watched.clients[i], middle, 22);
    }
    return result;
}

std::string server_panel(const TimeAxis& axis, const std::vector<ServerThread>& threads,
                         double top) {
    double y = top + 14;
    std::string result =
        svg_text(MARGIN, y + 6, "side", "The server: " + plural(threads.size(), "thread")) +
        svg_bar("asleep", 300, 336, y, 20) +
        svg_text(344, y + 6, "legend", "waits in a system call") +
        svg_bar("runs", 530, 550, y, 20) + label(y, "whom", "1", 540) +
        svg_text(558, y + 6, "legend", "runs, here for client 1");
    for (std::size_t i = 0; i < threads.size(); ++i) {
        double middle = top + HEADER + (double(i) + 0.5) * LANE;
        result += label(middle, "lane", print("thread %zu", i + 1), LEFT - 12, "end") +
                  thread_lane(axis, threads[i], middle);
    }
    return result;
}

double height_of(std::size_t lanes) {
    return HEADER + double(lanes) * LANE;
}

} // namespace

std::string as_svg(const Timeline& timeline) {
    TimeAxis axis{LEFT, RIGHT, timeline.end_ms};
    double server_top = TOP + height_of(timeline.watched.clients.size()) + PANEL_GAP;
    double bottom = server_top + height_of(timeline.threads.size());
    return svg_document(
        bottom + 74, STYLE,
        head(timeline) + axis.grid(TOP + HEADER - 4, server_top - PANEL_GAP + 4) +
            axis.grid(server_top + HEADER - 4, bottom + 4) +
            client_panel(axis, timeline.watched, TOP) +
            server_panel(axis, timeline.threads, server_top) +
            axis.numbers(bottom + 26, "axis") +
            svg_text((LEFT + RIGHT) / 2, bottom + 52, "axis", "milliseconds", "middle"));
}
