// Exercise: generators that work on generators.
//
// Python's itertools are small generators that take a generator and give another. None of them
// asks for a value before it is asked for one itself, so they also work on a generator that never
// ends, or whose values cost something. Values may be move-only (a test has std::unique_ptr): move
// them on with std::move, as in `co_yield std::move(*value)`.
#pragma once

#include "generator.hpp"

#include "support/testing/exercise.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

// The first `count` values, or all if there are fewer. The value after them is not asked for.
// (itertools.islice)
template <typename T>
Generator<T> take(Generator<T> values, std::size_t count) {
    TODO("ask for one value at a time, and hand it on; a generator that may be asked for 0 "
         "values?");
}

// Each `size` neighbours: window(1 2 3 4, 2) gives [1 2], [2 3], [3 4]; nothing, if there are
// fewer values than that. `size` is at least 1. (itertools.pairwise, for any number)
template <typename T>
Generator<std::vector<T>> window(Generator<T> values, std::size_t size) {
    TODO("a std::deque takes in at the back and gives out at the front");
}

// One value of each in turn; it ends with the shorter of the two. (zip)
template <typename A, typename B>
Generator<std::pair<A, B>> zip(Generator<A> left, Generator<B> right) {
    TODO("if the left one has ended, the right one is not asked");
}
