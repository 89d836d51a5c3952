// Exercise: a generator that calls itself.
//
// A tree of files is walked by a recursive function: it lists a folder, and calls itself for
// each folder in it. A generator can do the same and hand out one path at a time: `co_yield
// elements_of(...)` hands over to another generator, which may be of the same function.
// (Python: os.walk, and `yield from`.)
//
// The value of `co_yield elements_of(sub)` is what `sub` has returned at its end. So while the
// paths go to the caller, the sizes go upwards.
#pragma once

#include "generator.hpp"

#include "support/testing/exercise.hpp"

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
    TODO("co_yield the own path, then, for each child, co_yield elements_of(walk(...)); "
         "co_return");
}

// The same for a list of trees, as if it were one: yields all paths, returns the sum.
inline Generator<std::string, void, std::size_t> walk_all(const std::vector<Entry>& entries) {
    TODO("a loop");
}
