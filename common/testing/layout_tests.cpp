// Tests of the sources themselves: the stages are read side by side, so what is meant to be the
// same must be the same, and what is meant to be a small step must stay one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

// The most lines of echo_server.cpp that the step to a stage may add, and the most it may
// remove. 03 turns the program inside out, and 04 moves its loop elsewhere: those two cannot be
// small.
const std::map<std::string, std::size_t> LARGEST_STEP = {
    {"02_threads", 10}, {"03_select", 100}, {"04_callbacks", 90},
    {"05_future", 75},  {"06_task", 60},    {"07_coroutines", 6},
};
constexpr std::size_t STEP_01_TO_07 = 14; // the last slide

const fs::path ROOT = SOURCE_DIR;
const std::vector<std::string> STAGES = {"01_blocking",  "02_threads", "03_select",
                                         "04_callbacks", "05_future",  "06_task",
                                         "07_coroutines"};

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const fs::path& path) {
    std::istringstream text(read(path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
    }
    return lines;
}

// All C++ files below a folder, its exercises included.
std::vector<fs::path> sources_in(const fs::path& folder) {
    std::vector<fs::path> sources;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") {
            sources.push_back(entry.path());
        }
    }
    return sources;
}

// The length of the longest common subsequence: the lines that a diff leaves alone.
std::size_t common_lines(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    std::vector<std::size_t> longest(b.size() + 1, 0); // of a[0..i) and b[0..j)
    for (const std::string& line : a) {
        std::size_t diagonal = 0;
        for (std::size_t j = 0; j < b.size(); ++j) {
            std::size_t above = longest[j + 1];
            longest[j + 1] = line == b[j] ? diagonal + 1 : std::max(above, longest[j]);
            diagonal = above;
        }
    }
    return longest.back();
}

void check_step(const std::string& from, const std::string& to, std::size_t limit) {
    fs::path before = ROOT / from / "echo_server.cpp";
    fs::path after = ROOT / to / "echo_server.cpp";
    if (!fs::exists(before) || !fs::exists(after)) {
        return;
    }
    std::vector<std::string> a = lines_of(before);
    std::vector<std::string> b = lines_of(after);
    std::size_t same = common_lines(a, b);
    CAPTURE(from);
    CAPTURE(to);
    CHECK(a.size() - same <= limit); // removed
    CHECK(b.size() - same <= limit); // added
}

} // namespace

TEST_CASE("layout: headers of the same name are identical") {
    for (std::size_t i = 1; i < STAGES.size(); ++i) {
        for (const fs::path& header : sources_in(ROOT / STAGES[i])) {
            fs::path before = ROOT / STAGES[i - 1] / header.filename();
            if (header.extension() != ".hpp" || !fs::exists(before)) {
                continue;
            }
            // Stage 07 has coroutines of its own in place of the generators of stage 06.
            bool may_differ =
                STAGES[i] == "07_coroutines" &&
                (header.filename() == "async_socket.hpp" || header.filename() == "task.hpp" ||
                 header.filename() == "run.hpp");
            bool is_identical = read(before) == read(header);
            bool is_right = is_identical || may_differ;
            CHECK_MESSAGE(is_right, before.string(), " and ", header.string(), " differ");
        }
    }
}

TEST_CASE("layout: what stages have in common is there") {
    const std::vector<std::string> event_loop = {"04_callbacks", "05_future", "06_task",
                                                 "07_coroutines"};
    for (const std::string& stage : event_loop) {
        CAPTURE(stage);
        CHECK(fs::exists(ROOT / stage / "event_loop.hpp"));
        bool has_futures = stage != "04_callbacks";
        CHECK(fs::exists(ROOT / stage / "future.hpp") == has_futures);
        CHECK(fs::exists(ROOT / stage / "async_socket.hpp") == has_futures);
    }
}

TEST_CASE("layout: each step is small") {
    for (std::size_t i = 1; i < STAGES.size(); ++i) {
        check_step(STAGES[i - 1], STAGES[i], LARGEST_STEP.at(STAGES[i]));
    }
    check_step("01_blocking", "07_coroutines", STEP_01_TO_07);
}

TEST_CASE("layout: no stage includes what belongs to another") {
    for (const std::string& stage : STAGES) {
        for (const fs::path& source : sources_in(ROOT / stage)) {
            for (const std::string& line : lines_of(source)) {
                if (!line.starts_with("#include")) {
                    continue;
                }
                INFO(source.string(), ": ", line);
                CHECK(line.find("../") == std::string::npos);
                for (const std::string& other : STAGES) {
                    bool includes_other =
                        other != stage && line.find(other + "/") != std::string::npos;
                    CHECK(!includes_other);
                }
            }
        }
    }
}

TEST_CASE("layout: every echo_server.cpp has the same functions in the same order") {
    for (const std::string& stage : STAGES) {
        CAPTURE(stage);
        std::string text = read(ROOT / stage / "echo_server.cpp");
        REQUIRE(!text.empty());
        std::size_t previous = 0;
        for (const char* name : {"echo_handler", "echo_server", "main"}) {
            CAPTURE(name);
            // A definition at the left margin: a type, the name, parameters, and a brace.
            std::regex definition("\n[A-Za-z][^\n;(]* " + std::string(name) + R"(\([^;{]*\{)");
            std::smatch match;
            REQUIRE(std::regex_search(text, match, definition));
            auto position = static_cast<std::size_t>(match.position());
            CHECK(position >= previous);
            previous = position;
        }
    }
}

TEST_CASE("layout: every header is included once") {
    std::vector<std::string> folders = STAGES;
    folders.push_back("common");
    for (const std::string& folder : folders) {
        for (const fs::path& source : sources_in(ROOT / folder)) {
            if (source.extension() == ".hpp") {
                CAPTURE(source.string());
                CHECK(read(source).find("\n#pragma once\n") != std::string::npos);
            }
        }
    }
}

TEST_CASE("layout: no stage does its own tracing") {
    const std::regex trace("\\btrace|Trace|TRACE");
    for (const std::string& stage : STAGES) {
        for (const fs::path& source : sources_in(ROOT / stage)) {
            if (source.filename() != "tests.cpp") {
                CAPTURE(source.string());
                CHECK(!std::regex_search(read(source), trace));
            }
        }
    }
}

TEST_CASE("layout: every stage has a README") {
    for (const std::string& stage : STAGES) {
        CAPTURE(stage);
        CHECK(fs::exists(ROOT / stage / "README.md"));
    }
}
