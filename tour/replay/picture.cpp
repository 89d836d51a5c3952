#include "tour/replay/picture.hpp"

#include "tour/svg.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace {

constexpr std::size_t CLIENT = 2;  // whose message it is
constexpr std::size_t MESSAGE = 3; // the number of the action

constexpr double LEFT = 104; // of the columns
constexpr double RIGHT = 984;
constexpr double MARGIN = 16;
constexpr double CLIENTS_TOP = 150;
constexpr double LANE = 50; // of a client
constexpr double LINE = 15; // of words in it
constexpr double CALLS_TOP = 330;
constexpr double ROW = 27;        // of a function
constexpr double TIGHT = 1.12;    // a name that is so much too wide is drawn narrower
constexpr double CHARACTER = 8.4; // the widest that one may be, on average

const std::string STYLE = R"(    .title { font-size: 30px; font-weight: 700; }
    .summary { font-size: 18.5px; }
    .side { font-size: 19px; font-weight: 700; }
    .lane { font-size: 18px; }
    .name { font-size: 15px; }
    .legend { font-size: 15.5px; fill: #4a5662; }
    .event { font-size: 15.5px; font-weight: 700; }
    .kept { fill: #cfd9e6; stroke: #93a5bb; }
    .runs { fill: #1b6473; }
    .call { fill: #24303c; }
    .light { fill: #ffffff; }
    .own { fill: #f6cf8b; stroke: #b98a2c; }
    .loop { fill: #e4e7ea; stroke: #b4bcc4; }
    .asleep { fill: #cfd9e6; stroke: #93a5bb; stroke-dasharray: 5 3; }
    .turn { stroke: #b4bcc4; stroke-dasharray: 2 4; }
    @media (prefers-color-scheme: dark) {
      .legend { fill: #a7b1bc; }
      .kept, .asleep { fill: #33445a; stroke: #6d86a6; }
      .runs { fill: #8fd0dc; }
      .call { fill: #e8ebee; }
      .light { fill: #14181d; }
      .own { fill: #6a4d12; stroke: #d9a441; }
      .loop { fill: #2c343d; stroke: #56626f; }
    }
)";

// What is drawn beside each other: steps that differ in more than the line.
struct Column {
    std::vector<std::string> calls; // main first
    std::string wait;               // the call that it waits in, or ""
    std::string call;               // one that does not wait, or ""
    std::string event;              // what a client does
    std::array<Place, CLIENTS + 1> places;
    std::size_t iteration;
};

std::string short_name(std::string name) {
    const std::string lambda = "lambda in ";
    bool is_lambda = name.starts_with(lambda);
    return is_lambda ? "λ in " + name.substr(lambda.size()) : name;
}

Column column_of(const Step& step) {
    const ThreadState& thread = step.state.threads.front();
    Column column{thread.stack, thread.call, "", "", step.state.places, step.state.iteration};
    if (step.kind == Step::RECEIVED) {
        column.call = "recv";
    } else if (step.kind == Step::SENT) {
        column.call = "send";
    } else if (step.kind == Step::CLIENT) {
        column.event = step.action == MESSAGE ? "sends 8 bytes" : "gets them back";
    } else if (step.kind == Step::RETURN) {
        column.call = step.sentence.substr(0, step.sentence.find(' '));
    }
    return column;
}

bool is_same(const Column& a, const Column& b) {
    auto is_same_place = [](const Place& one, const Place& other) {
        return one.kind == other.kind && one.words == other.words;
    };
    return a.calls == b.calls && a.wait == b.wait && a.call == b.call && a.event == b.event &&
           std::equal(a.places.begin() + 1, a.places.end(), b.places.begin() + 1,
                      is_same_place);
}

// From the wait before the message to the wait after it.
std::vector<Column> columns_of(const std::vector<Step>& steps) {
    auto message = std::find_if(steps.begin(), steps.end(),
                                [](const Step& step) { return step.action == MESSAGE; });
    if (message == steps.begin() || message == steps.end()) {
        throw std::runtime_error("the recording lacks the message");
    }
    std::vector<Column> columns{column_of(*(message - 1))};
    for (auto step = message; step != steps.end(); ++step) {
        if (step != message && step->action != 0) {
            break;
        }
        Column column = column_of(*step);
        if (!is_same(column, columns.back())) {
            columns.push_back(std::move(column));
        }
    }
    return columns;
}

class Picture {
  public:
    Picture(const Recording& recording, const std::vector<Step>& steps)
        : recording_(recording), lines_(recording.source), columns_(columns_of(steps)),
          width_((RIGHT - LEFT) / double(columns_.size())) {}

    std::string draw() const {
        std::size_t depth = 0;
        for (const Column& column : columns_) {
            depth = std::max(depth, column.calls.size() + 1);
        }
        double bottom = CALLS_TOP + double(depth) * ROW;
        std::string picture = head() + turns(bottom);
        for (std::size_t client = 1; client <= CLIENT; ++client) {
            picture += client_lane(client);
        }
        for (std::size_t row = 0; row < depth; ++row) {
            picture += calls(row);
        }
        return svg_document(bottom + 24, STYLE, picture, what_keeps_a_place(recording_.source));
    }

  private:
    double x_of(std::size_t column) const { return LEFT + double(column) * width_; }

    std::string head() const {
        double y = CALLS_TOP - 20;
        return svg_text(MARGIN, 44, "title",
                        recording_.stage.name + ": " + recording_.stage.way) +
               svg_text(MARGIN, 76, "summary",
                        "Client 1 and client 2 are connected; both wait. Then client 2 sends 8 "
                        "bytes.") +
               svg_text(
                   MARGIN, 102, "summary",
                   "From left to right: the steps that follow, in their order. Their width "
                   "says nothing about time.") +
               svg_text(MARGIN, CLIENTS_TOP - 14, "side", "Where its place is kept") +
               svg_text(MARGIN, y, "side", "Who calls whom") +
               svg_bar("own", 300, 324, y - 6, 16) +
               svg_text(332, y, "legend", "echo_server.cpp") +
               svg_bar("loop", 470, 494, y - 6, 16) +
               svg_text(502, y, "legend", "the rest of the stage") +
               svg_bar("call", 670, 694, y - 6, 16) +
               svg_text(702, y, "legend", "a system call") +
               svg_bar("asleep", 816, 840, y - 6, 16) + svg_text(848, y, "legend", "it waits");
    }

    // Where the loop looks anew.
    std::string turns(double bottom) const {
        std::string result;
        for (std::size_t i = 1; i < columns_.size(); ++i) {
            if (columns_[i].iteration != columns_[i - 1].iteration) {
                result += print("  <line class=\"turn\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                                "y2=\"%.1f\"/>\n",
                                x_of(i), CALLS_TOP - 6, x_of(i), bottom + 6);
            }
        }
        return result;
    }

    std::string client_lane(std::size_t client) const {
        double y = CLIENTS_TOP + (double(client) - 0.5) * LANE * 1.2;
        std::string result =
            svg_text(LEFT - 10, y + 6, "lane", print("client %zu", client), "end");
        for (std::size_t i = 0; i < columns_.size();) {
            const Place& place = columns_[i].places[client];
            std::size_t end = i + 1;
            while (end < columns_.size() && columns_[end].places[client].kind == place.kind &&
                   columns_[end].places[client].words == place.words) {
                ++end;
            }
            bool runs = place.kind == Place::RUNS;
            result +=
                svg_bar(runs ? "runs" : "kept", x_of(i) + 1, x_of(end) - 1, y, LANE) +
                words_in(runs ? "runs" : place.words, runs ? "name light" : "name", i, end, y);
            i = end;
        }
        for (std::size_t i = 0; client == CLIENT && i < columns_.size(); ++i) {
            if (!columns_[i].event.empty()) {
                result += svg_text(std::clamp(x_of(i) + width_ / 2, LEFT + 50, RIGHT - 60),
                                   y + LANE / 2 + 17, "event", columns_[i].event, "middle");
            }
        }
        return result;
    }

    // In up to three lines; where that is not enough room, only what comes first, or nothing.
    std::string words_in(const std::string& words, const char* look, std::size_t from,
                         std::size_t to, double y) const {
        double room = x_of(to) - x_of(from) - 6;
        std::vector<std::string> lines = wrapped(words, room);
        if (lines.empty()) {
            lines = wrapped(words.substr(0, words.find_first_of(",;:")), room);
        }
        std::string result;
        double first = y + 5 - (double(lines.size()) - 1) * LINE / 2;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            result += svg_text((x_of(from) + x_of(to)) / 2, first + double(i) * LINE, look,
                               lines[i], "middle");
        }
        return result;
    }

    // Nothing if they take more than three lines.
    static std::vector<std::string> wrapped(const std::string& words, double room) {
        auto most = static_cast<std::size_t>(room / CHARACTER);
        std::vector<std::string> lines;
        std::istringstream text(words);
        for (std::string word; text >> word;) {
            if (!lines.empty() && lines.back().size() + 1 + word.size() <= most) {
                lines.back() += " " + word;
            } else if (word.size() <= most && lines.size() < 3) {
                lines.push_back(word);
            } else {
                return {};
            }
        }
        return lines;
    }

    // The function, or the call, in this row; nothing where the stack does not reach so far.
    struct Cell {
        std::string name;
        const char* look;
        const char* text;
    };
    std::optional<Cell> cell(std::size_t column, std::size_t row) const {
        const Column& one = columns_[column];
        if (row < one.calls.size()) {
            return Cell{short_name(one.calls[row]), is_own(one.calls[row]) ? "own" : "loop",
                        "name"};
        }
        if (row == one.calls.size() && !one.wait.empty()) {
            return Cell{one.wait, "asleep", "name"};
        }
        if (row == one.calls.size() && !one.call.empty()) {
            return Cell{one.call, "call", "name light"};
        }
        return std::nullopt;
    }

    // Whether both are the same call: so are those above it then. The function that waits is
    // called anew in each iteration.
    bool is_one_call(std::size_t a, std::size_t b, std::size_t row) const {
        bool is_in_iteration = row + 1 >= columns_.front().calls.size();
        if (is_in_iteration && columns_[a].iteration != columns_[b].iteration) {
            return false;
        }
        for (std::size_t above = 0; above <= row; ++above) {
            std::optional<Cell> one = cell(a, above);
            std::optional<Cell> other = cell(b, above);
            if (!one || !other || one->name != other->name || one->look != other->look) {
                return false;
            }
        }
        return true;
    }

    std::string calls(std::size_t row) const {
        double y = CALLS_TOP + (double(row) + 0.5) * ROW;
        std::string result;
        for (std::size_t i = 0; i < columns_.size();) {
            std::size_t end = i + 1;
            while (end < columns_.size() && is_one_call(i, end, row)) {
                ++end;
            }
            if (std::optional<Cell> one = cell(i, row)) {
                result += box(one->look, i, end, y, ROW - 3, one->name, one->text);
            }
            i = end;
        }
        return result;
    }

    bool is_own(const std::string& function) const {
        std::string name = function.substr(function.find_last_of(' ') + 1);
        for (std::size_t line = 1; line < lines_.is_heading.size(); ++line) {
            if (lines_.is_heading[line] &&
                recording_.source[line - 1].find(" " + name + "(") != std::string::npos) {
                return true;
            }
        }
        return false;
    }

    std::string box(const char* look, std::size_t from, std::size_t to, double y, double height,
                    const std::string& name, const char* text) const {
        double left = x_of(from) + 1;
        double right = x_of(to) - 1;
        std::string result = svg_bar(look, left, right, y, height);
        std::string fitting = shortened(name, right - left);
        std::string attributes = text;
        if (double(fitting.size()) * CHARACTER > right - left) { // a bit narrower, then it fits
            attributes += print("\" lengthAdjust=\"spacingAndGlyphs\" textLength=\"%.1f",
                                right - left - 6);
        }
        return fitting.empty() ? result
                               : result + svg_text((left + right) / 2, y + 5,
                                                   attributes.c_str(), fitting, "middle");
    }

    // Without the class where that helps, or without its end.
    static std::string shortened(std::string name, double room) {
        auto fits = [room](const std::string& text) {
            return double(text.size()) * CHARACTER <= room * TIGHT;
        };
        if (std::size_t colons = name.rfind("::"); !fits(name) && colons != std::string::npos) {
            bool is_lambda = name.starts_with("λ");
            name = (is_lambda ? "λ in " : "") + name.substr(colons + 2);
        }
        if (fits(name)) {
            return name;
        }
        auto most = static_cast<std::size_t>(room / CHARACTER);
        return most < 4 ? "" : name.substr(0, most - 1) + "…";
    }

    const Recording& recording_;
    SourceLines lines_;
    std::vector<Column> columns_;
    double width_;
};

} // namespace

bool has_loop(const std::vector<Step>& steps) {
    return steps.back().state.iteration != 0;
}

std::string as_svg(const Recording& recording, const std::vector<Step>& steps) {
    return Picture(recording, steps).draw();
}
