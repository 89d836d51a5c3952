#include <walk.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

const Entry PROJECT = {"project",
                       0,
                       {{"README", 10},
                        {"src", 0, {{"main.cpp", 200}, {"lib", 0, {{"a.cpp", 3000}}}}},
                        {"empty", 0, {}},
                        {"LICENSE", 40'000}}};

using Paths = std::vector<std::string>;

// All paths, and what was returned.
std::pair<Paths, std::size_t> run(Generator<std::string, void, std::size_t> generator) {
    Paths paths;
    while (std::optional<std::string> path = generator.next()) {
        paths.push_back(*path);
    }
    return {paths, std::move(generator).result()};
}

} // namespace

TEST_CASE("a single file") {
    Entry file{"README", 10};
    auto [paths, size] = run(walk(file));
    CHECK(paths == Paths{"README"});
    CHECK(size == 10);
}

TEST_CASE("a folder comes before what is in it") {
    auto [paths, size] = run(walk(PROJECT));
    REQUIRE(!paths.empty());
    CHECK_MESSAGE(paths.front() == "project", "a folder comes before what is in it");
    Paths expected = {
        "project",         "project/README",        "project/src",   "project/src/main.cpp",
        "project/src/lib", "project/src/lib/a.cpp", "project/empty", "project/LICENSE"};
    CHECK_MESSAGE(paths == expected,
                  "each path begins with those of the folders that it is in");
}

TEST_CASE("the sum of all sizes is returned") {
    auto [paths, size] = run(walk(PROJECT));
    CHECK_MESSAGE(size == 43'210, "what the generator of a child returns is to be added");
}

TEST_CASE("one path at a time") {
    auto generator = walk(PROJECT);
    step("three paths are asked for, and then the generator is destroyed where it stands");
    CHECK(generator.next() == "project");
    CHECK(generator.next() == "project/README");
    CHECK(generator.next() == "project/src");
    CHECK(!generator.done());
}

TEST_CASE("a deep tree") {
    Entry deep{"x", 1};
    for (int i = 0; i < 200; ++i) {
        Entry parent{"x", 1};
        parent.children.push_back(std::move(deep));
        deep = std::move(parent);
    }
    step("200 folders, one in the other");
    auto [paths, size] = run(walk(deep));
    REQUIRE(paths.size() == 201);
    CHECK(paths.back().size() == 401);
    CHECK(size == 201);
}

TEST_CASE("several trees") {
    std::vector<Entry> trees = {{"a", 0, {{"b", 1}}}, {"c", 2}};
    auto [paths, size] = run(walk_all(trees));
    CHECK(paths == Paths{"a", "a/b", "c"});
    CHECK(size == 3);
    std::vector<Entry> none;
    auto [no_paths, nothing] = run(walk_all(none));
    CHECK(no_paths.empty());
    CHECK(nothing == 0);
}
