#include "tour/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace {

constexpr double MS_PER_COLUMN = 25; // the same for all stages, so that the pictures compare
constexpr std::size_t MAX_COLUMNS = 62;
constexpr std::size_t COLUMNS_PER_TICK = 10;
constexpr int MARGIN = 14; // left of the picture

bool is_terminal(int fd) {
    const char* term = std::getenv("TERM");
    return ::isatty(fd) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

bool wants_colour() {
    const char* no_color = std::getenv("NO_COLOR");
    return is_terminal(STDOUT_FILENO) && (no_color == nullptr || *no_color == '\0');
}

bool has_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') {
            std::string_view locale(value);
            return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
        }
    }
    return false;
}

std::string left(const std::string& text, int width) {
    std::string padded = text;
    padded.resize(std::max(padded.size(), static_cast<std::size_t>(width)), ' ');
    return padded;
}

// Narrow enough for 60 columns; only a stage that takes longer gets further.
std::string time_axis() {
    std::string ticks = left("", MARGIN);
    std::string numbers = left("          ms", MARGIN);
    for (std::size_t tick = 0; tick <= 4; ++tick) {
        ticks.resize(MARGIN + tick * COLUMNS_PER_TICK, ' ');
        numbers.resize(MARGIN + tick * COLUMNS_PER_TICK, ' ');
        ticks += "|";
        numbers +=
            std::to_string(static_cast<int>(double(tick * COLUMNS_PER_TICK) * MS_PER_COLUMN));
    }
    return ticks + "\n" + numbers + "\n";
}

enum class Doing { NOTHING, WAITING, THINKING, ANSWERED };

bool is_in(double from, double to, double moment) {
    return moment >= from && moment < to;
}

// What the client does in one column of the picture.
Doing doing(const WatchedClient& client, double from, double to) {
    Doing found = Doing::NOTHING;
    double middle = (from + to) / 2;
    for (const WatchedLine& line : client.lines) {
        if (is_in(from, to, line.echoed_ms)) {
            return Doing::ANSWERED;
        }
        if (line.sent_ms <= middle) {
            found = line.echoed_ms > middle ? Doing::WAITING : Doing::THINKING;
        }
    }
    return middle < client.closed_ms ? found : Doing::NOTHING;
}

} // namespace

struct Terminal::Glyphs {
    std::string bold;
    std::string waiting_colour;
    std::string served_colour;
    std::string plain;
    std::string waiting;
    std::string thinking;
    std::string answered;

    std::string draw(Doing what) const {
        switch (what) {
        case Doing::WAITING:
            return waiting_colour + waiting + plain;
        case Doing::THINKING:
            return served_colour + thinking + plain;
        case Doing::ANSWERED:
            return served_colour + answered + plain;
        case Doing::NOTHING:
            break;
        }
        return " ";
    }

    static const Glyphs& choose() {
        static const Glyphs ascii{"", "", "", "", ".", "=", "o"};
        static const Glyphs coloured{"\033[1m", "\033[33m", "\033[1;32m", "\033[0m",
                                     ".",       "=",        "o"};
        static const Glyphs pretty{"\033[1m", "\033[33m", "\033[1;32m", "\033[0m",
                                   "\u2591",  "\u2501",   "\u25cf"};
        if (!wants_colour()) {
            return ascii;
        }
        return has_utf8() ? pretty : coloured;
    }
};

Terminal::Terminal() : glyphs_(Glyphs::choose()), shows_progress_(is_terminal(STDERR_FILENO)) {}

void Terminal::print(const std::string& text) const {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void Terminal::print_heading(const std::string& text) const {
    print("\n" + glyphs_.bold + text + glyphs_.plain + "\n\n");
}

void Terminal::print_picture_heading() const {
    print_heading("Watch: five clients connect at once. Each sends three lines,\n"
                  "and thinks 100 ms between them.");
    print("  " + glyphs_.draw(Doing::WAITING) + " waits for an answer  " +
          glyphs_.draw(Doing::ANSWERED) + " gets it  " + glyphs_.draw(Doing::THINKING) +
          " thinks about the next\n\n" + time_axis());
}

void Terminal::print_picture(const Stage& stage, const Watched& watched) const {
    std::array<char, 40> wall{};
    std::snprintf(wall.data(), wall.size(), ": %.2f s", watched.wall_ms / 1000);
    std::string text =
        glyphs_.bold + stage.name + glyphs_.plain + ", " + stage.way + wall.data() + "\n";
    auto columns = static_cast<std::size_t>(watched.wall_ms / MS_PER_COLUMN) + 1;
    for (std::size_t i = 0; i < watched.clients.size(); ++i) {
        std::string lane;
        for (std::size_t column = 0; column < std::min(columns, MAX_COLUMNS); ++column) {
            double from = double(column) * MS_PER_COLUMN;
            lane += glyphs_.draw(doing(watched.clients[i], from, from + MS_PER_COLUMN));
        }
        lane.erase(lane.find_last_not_of(' ') + 1);
        text += left("    client " + std::to_string(i + 1), MARGIN) + lane;
        text += columns > MAX_COLUMNS ? " ...\n" : "\n";
    }
    print(text + "    " + watched.summary() + "\n\n");
}

void Terminal::show_progress(const std::string& text) const {
    if (shows_progress_) {
        std::string line = "\r\033[K" + text;
        std::fwrite(line.data(), 1, line.size(), stderr); // unbuffered
    }
}
