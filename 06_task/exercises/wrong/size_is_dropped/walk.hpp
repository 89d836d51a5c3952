// Wrong: what the generator of a child returns is dropped
// Test: the sum of all sizes is returned
// Says: what the generator of a child returns is to be added
#pragma once

#include "generator.hpp"

#include <cstddef>
#include <string>
#include <vector>

// A file, or a folder with what is in it.
struct Entry {
    std::string name;
    std::size_t size = 0; // of a file
    std::vector<Entry> children = {};
};

// Yields the path of `entry` and of everything in it, a folder before its contents, as in
// "src", "src/main.cpp"; returns the sum of all sizes. `entry` must live as long as the
// generator. `prefix` is for the recursion: a std::string, not a reference, because it must
// live as well.
inline Generator<std::string, void, std::size_t> walk(const Entry& entry,
                                                      std::string prefix = "") {
    std::string path = prefix + entry.name;
    co_yield path;
    std::size_t total = entry.size;
    for (const Entry& child : entry.children) {
        co_yield elements_of(walk(child, path + "/"));
    }
    co_return total;
}

// The same for a list of trees, as if it were one: yields all paths, returns the sum.
inline Generator<std::string, void, std::size_t> walk_all(const std::vector<Entry>& entries) {
    std::size_t total = 0;
    for (const Entry& entry : entries) {
        total += co_yield elements_of(walk(entry));
    }
    co_return total;
}
