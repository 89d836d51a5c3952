// Tests of the sources themselves: the stages are read side by side, so what is meant to be the
// same must be the same, and what is meant to be a small step must stay one.
#include "support/testing/stages.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path ROOT = SOURCE_DIR;
const std::vector<Stage> STAGES = all_stages();

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

void check_step(const std::string& from, const std::string& to, std::size_t most_added,
                std::size_t most_removed) {
    std::vector<std::string> a = lines_of(ROOT / from / "echo_server.cpp");
    std::vector<std::string> b = lines_of(ROOT / to / "echo_server.cpp");
    std::size_t same = common_lines(a, b);
    INFO("the step from ", from, " to ", to, ": ", b.size() - same, " added, ", a.size() - same,
         " removed");
    CHECK(b.size() - same <= most_added);
    CHECK(a.size() - same <= most_removed);
}

} // namespace

TEST_CASE("layout: a header that a stage takes over is the same file") {
    struct Carried {
        std::string name;
        std::string first;
        std::vector<std::string> later;
    };
    const std::vector<Carried> carried = {
        {"event_loop.hpp", "04_callbacks", {"05_future", "06_task", "07_coroutines"}},
        {"future.hpp", "05_future", {"06_task"}},
        {"async_socket.hpp", "05_future", {"06_task"}},
    };
    for (const Carried& header : carried) {
        for (const std::string& stage : header.later) {
            bool is_identical =
                read(ROOT / stage / header.name) == read(ROOT / header.first / header.name);
            CHECK_MESSAGE(is_identical, stage, "/", header.name, " differs from ", header.first,
                          "/", header.name, ": copy the one that is right over the other");
        }
    }
}

TEST_CASE("layout: headers are small enough to type") {
    struct Limit {
        std::string header;
        std::size_t lines;
    };
    const std::vector<Limit> limits = {
        {"04_callbacks/event_loop.hpp", 150},
        {"05_future/future.hpp", 71},
        {"05_future/async_socket.hpp", 140},
        {"06_task/generator.hpp", 165},
        {"06_task/task.hpp", 95},
        {"06_task/run.hpp", 40},
        {"07_coroutines/coroutine.hpp", 90},
        {"07_coroutines/async_socket.hpp", 110},
        {"07_coroutines/task.hpp", 40},
        {"07_coroutines/run.hpp", 40},
    };
    for (const Limit& limit : limits) {
        CAPTURE(limit.header);
        std::size_t lines = lines_of(ROOT / limit.header).size();
        CHECK(lines > 0);
        CHECK(lines <= limit.lines);
    }
}

TEST_CASE("layout: each step is small") {
    std::vector<Stage> stages = numbered_stages();
    for (std::size_t i = 1; i < stages.size(); ++i) {
        check_step(stages[i - 1].name, stages[i].name, stages[i].most_added,
                   stages[i].most_removed);
    }
    check_step("01_blocking", "07_coroutines", 14, 10); // the last slide
}

TEST_CASE("layout: the server of stage 07 is also that of asyncio, to the byte") {
    bool is_same =
        read(ROOT / "07_coroutines/echo_server.cpp") == read(ROOT / "asyncio/echo_server.cpp");
    CHECK(is_same);
}

TEST_CASE("layout: no file of asyncio is longer than 350 lines") {
    for (const fs::path& source : sources_in(ROOT / "asyncio")) {
        CAPTURE(source.string());
        CHECK(lines_of(source).size() <= 350);
    }
}

TEST_CASE("layout: every header of a stage is included by something in its folder") {
    for (const Stage& stage : STAGES) {
        std::string includes;
        for (const fs::path& source : sources_in(ROOT / stage.name)) {
            for (const std::string& line : lines_of(source)) {
                includes += line.starts_with("#include") ? line + "\n" : "";
            }
        }
        for (const fs::path& source : sources_in(ROOT / stage.name)) {
            if (source.extension() == ".hpp") {
                CAPTURE(source.string());
                CHECK(includes.find(source.filename().string()) != std::string::npos);
            }
        }
    }
}

TEST_CASE("layout: no stage includes what belongs to another") {
    for (const Stage& stage : STAGES) {
        for (const fs::path& source : sources_in(ROOT / stage.name)) {
            for (const std::string& line : lines_of(source)) {
                if (!line.starts_with("#include")) {
                    continue;
                }
                INFO(source.string(), ": ", line);
                CHECK(line.find("../") == std::string::npos);
                for (const Stage& other : STAGES) {
                    bool includes_other = other.name != stage.name &&
                                          line.find(other.name + "/") != std::string::npos;
                    CHECK(!includes_other);
                }
            }
        }
    }
}

TEST_CASE("layout: every echo_server.cpp has the same functions in the same order") {
    for (const Stage& stage : STAGES) {
        CAPTURE(stage.name);
        std::string text = read(ROOT / stage.name / "echo_server.cpp");
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

TEST_CASE("layout: every header has #pragma once") {
    std::vector<std::string> folders = {"common", "support", "tour"};
    for (const Stage& stage : STAGES) {
        folders.push_back(stage.name);
    }
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
    for (const Stage& stage : STAGES) {
        for (const fs::path& source : sources_in(ROOT / stage.name)) {
            if (source.filename() != "tests.cpp") {
                CAPTURE(source.string());
                CHECK(!std::regex_search(read(source), trace));
            }
        }
    }
}

TEST_CASE("layout: every stage has a README") {
    for (const Stage& stage : STAGES) {
        CAPTURE(stage.name);
        CHECK(fs::exists(ROOT / stage.name / "README.md"));
    }
}
