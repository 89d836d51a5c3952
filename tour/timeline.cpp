#include "tour/timeline.hpp"

#include "tour/server.hpp"
#include "tour/svg.hpp"
#include "tour/trace_file.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

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
            timeline.threads = read_threads(lines, timeline.watched.start);
        },
        setup);
    return timeline;
}

namespace {

constexpr double LEFT = 118; // of the lanes
constexpr double RIGHT = 970;
constexpr double MARGIN = 30;
constexpr double TOP = 134;        // of the first panel
constexpr double HEADER = 40;      // of a panel, above its lanes
constexpr double CLIENT_LANE = 36; // from one lane to the next
constexpr double THREAD_LANE = 54;
constexpr double PANEL_GAP = 28;
constexpr double BAR = 44; // the height of what a thread does
// The widest that a character may be, whatever font the browser takes.
constexpr double DIGIT = 10.5;
constexpr double CALL_CHARACTER = 9;
constexpr double WHOM_CHARACTER = 8.5;

const std::string STYLE = R"(    .title { font-size: 30px; font-weight: 700; }
    .summary { font-size: 19px; }
    .seen { font-size: 19px; font-weight: 700; }
    .side { font-size: 19px; font-weight: 700; }
    .legend { font-size: 16.5px; fill: #4a5662; }
    .lane { font-size: 18px; }
    .call { font-size: 17px; }
    .whom { font-size: 15.5px; fill: #4a5662; }
    .axis { font-size: 16px; fill: #4a5662; }
    .asleep { fill: #cfd9e6; stroke: #93a5bb; }
    .runs { fill: #24303c; }
    .number { font-size: 16px; font-weight: 700; fill: #ffffff; }
    @media (prefers-color-scheme: dark) {
      .legend, .whom, .axis { fill: #a7b1bc; }
      .asleep { fill: #33445a; stroke: #6d86a6; }
      .runs { fill: #e8ebee; }
      .number { fill: #1c2229; }
    }
)";

std::string plural(std::size_t count, const std::string& what) {
    return print("%zu ", count) + what + (count == 1 ? "" : "s");
}

// In a lane, `x` is the middle of the text.
std::string label(double x, double y, const char* look, const std::string& text) {
    return svg_text(x, y + 6, look, text, "middle");
}

std::string name(const char* what, std::size_t number, double middle) {
    return svg_text(LEFT - 12, middle + 6, "lane", print("%s %zu", what, number), "end");
}

// A piece of a lane, in the units of the picture.
struct Piece {
    double from;
    double to;
    double middle() const { return (from + to) / 2; }
    bool has_room_for(const std::string& text, double character) const {
        return double(text.size()) * character + 6 <= to - from;
    }
};

std::string numbers_of(const std::vector<std::size_t>& clients) {
    std::string numbers;
    for (std::size_t client : clients) {
        numbers += print(numbers.empty() ? "%zu" : " %zu", client);
    }
    return numbers;
}

// A moment of work, wide enough to be seen and to hold the numbers of the clients it was for.
Piece piece_of_work(double from, double to, const Turn& turn) {
    double half = std::max(to - from, 9 + DIGIT * double(numbers_of(turn.clients).size())) / 2;
    double middle = std::clamp((from + to) / 2, LEFT + half, RIGHT - half);
    return {middle - half, middle + half};
}

std::string draw_work(const Piece& piece, double y, const Turn& turn) {
    return svg_bar("runs", piece.from, piece.to, y, BAR) +
           label(piece.middle(), y, "number", numbers_of(turn.clients));
}

std::string for_whom(const Turn& turn) {
    if (turn.call == "accept") {
        return "next client";
    }
    if (turn.call != "recv" && turn.call != "send") {
        return "any client";
    }
    return turn.clients.empty() ? "" : print("client %zu", turn.clients.front());
}

// Names the system call and for whom it waits, where there is room for that.
std::string draw_wait(const Piece& piece, double y, const Turn& turn) {
    std::string result = svg_bar("asleep", piece.from, piece.to, y, BAR);
    if (piece.has_room_for(turn.call, CALL_CHARACTER)) {
        std::string whom = for_whom(turn);
        bool has_both = !whom.empty() && piece.has_room_for(whom, WHOM_CHARACTER);
        result += label(piece.middle(), has_both ? y - 9 : y, "call", turn.call);
        result += has_both ? label(piece.middle(), y + 9, "whom", whom) : "";
    }
    return result;
}

std::string thread_lane(const TimeAxis& axis, const ServerThread& thread, double y) {
    const double shortest_ms = axis.end_ms / 100; // that can be seen
    std::vector<Turn> turns = join_short_waits(thread.turns, shortest_ms);
    std::string lane;
    double free_from = LEFT; // where the last piece of work ends
    for (std::size_t i = 0; i < turns.size(); ++i) {
        const Turn& turn = turns[i];
        double next_ms = i + 1 < turns.size() ? turns[i + 1].from_ms : thread.last_ms;
        Piece wait{std::max(axis.x_of(turn.from_ms), free_from), axis.x_of(turn.to_ms)};
        bool has_worked = !turn.clients.empty() || next_ms - turn.to_ms >= shortest_ms;
        Piece work{wait.to, wait.to};
        if (has_worked) {
            work = piece_of_work(axis.x_of(turn.to_ms), axis.x_of(next_ms), turn);
            lane += draw_work(work, y, turn);
        }
        if (wait.from < work.from) {
            lane += draw_wait({wait.from, work.from}, y, turn);
        }
        free_from = work.to;
    }
    return lane;
}

std::string summary(const Watched& watched) {
    return print(watched.is_one_at_a_time()
                     ? "They wait for one another: an answer took up to %.0f ms."
                     : "No client waits for another: an answer took %.1f ms at most.",
                 watched.longest_wait_ms());
}

std::string head(const Timeline& timeline) {
    const Scene& scene = timeline.watched.scene;
    return svg_text(MARGIN, 50, "title", timeline.stage.name + ": " + timeline.stage.way) +
           svg_text(MARGIN, 82, "summary",
                    print("%zu clients come %d ms apart. Each sends %zu lines, and thinks %d "
                          "ms between them.",
                          scene.clients, static_cast<int>(scene.apart.count()), scene.lines,
                          static_cast<int>(scene.thinking.count()))) +
           svg_text(MARGIN, 110, "seen", summary(timeline.watched));
}

std::string client_panel(const TimeAxis& axis, const Watched& watched, double top) {
    double y = top + 14;
    std::string result =
        svg_text(MARGIN, y + 6, "side", "The clients") + svg_bar("waits", 300, 336, y, 9) +
        svg_text(346, y + 6, "legend", "waits for an answer") + svg_answer(549, y, 9) +
        svg_text(566, y + 6, "legend", "gets it") + svg_bar("served", 659, 695, y, 20) +
        svg_text(705, y + 6, "legend", "thinks about its next line");
    for (std::size_t i = 0; i < watched.clients.size(); ++i) {
        double middle = top + HEADER + (double(i) + 0.5) * CLIENT_LANE;
        result +=
            name("client", i + 1, middle) + svg_client(axis, watched.clients[i], middle, 22);
    }
    return result;
}

std::string server_panel(const TimeAxis& axis, const std::vector<ServerThread>& threads,
                         double top) {
    double y = top + 14;
    std::string result =
        svg_text(MARGIN, y + 6, "side", "The server: " + plural(threads.size(), "thread")) +
        svg_bar("asleep", 300, 336, y, 20) +
        svg_text(346, y + 6, "legend", "waits in a system call") +
        svg_bar("runs", 559, 579, y, 20) + label(569, y, "number", "1") +
        svg_text(589, y + 6, "legend", "runs for client 1 (shorter than drawn)");
    for (std::size_t i = 0; i < threads.size(); ++i) {
        double middle = top + HEADER + (double(i) + 0.5) * THREAD_LANE;
        result += name("thread", i + 1, middle) + thread_lane(axis, threads[i], middle);
    }
    return result;
}

} // namespace

std::string as_svg(const Timeline& timeline) {
    TimeAxis axis{LEFT, RIGHT, timeline.end_ms};
    double server_top =
        TOP + HEADER + double(timeline.watched.clients.size()) * CLIENT_LANE + PANEL_GAP;
    double bottom = server_top + HEADER + double(timeline.threads.size()) * THREAD_LANE;
    return svg_document(
        bottom + 48, STYLE,
        head(timeline) + axis.grid(TOP + HEADER - 4, server_top - PANEL_GAP + 4) +
            axis.grid(server_top + HEADER - 4, bottom + 4) +
            client_panel(axis, timeline.watched, TOP) +
            server_panel(axis, timeline.threads, server_top) +
            axis.numbers(bottom + 26, "axis") +
            svg_text(LEFT - 20, bottom + 26, "axis", "ms", "end"),
        timeline.watched.is_one_at_a_time() ? "one stack for all" : "a stack for each");
}
