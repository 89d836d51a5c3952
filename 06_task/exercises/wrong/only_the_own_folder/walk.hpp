// Wrong: the prefix of a child is the name of its folder, not its path
// Test: a folder comes before what is in it
// Says: each path begins with those of the folders that it is in
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
        total += co_yield elements_of(walk(child, entry.name + "/"));
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
