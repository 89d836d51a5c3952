// Exercise: generators that work on generators.
//
// Python's itertools are small generators that take a generator and give another. None of them
// asks for a value before it is asked for one itself, so they also work on a generator that never
// ends, or whose values cost something. Values may be move-only (a test has std::unique_ptr): move
// them on with std::move, as in `co_yield std::move(*value)`.
#pragma once

#include "generator.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

// The first `count` values, or all if there are fewer. The value after them is not asked for.
// (itertools.islice)
template <typename T>
Generator<T> take(Generator<T> values, std::size_t count) {
    for (std::size_t taken = 0; taken < count; ++taken) {
        std::optional<T> value = values.next();
        if (!value) {
            co_return;
        }
        co_yield std::move(*value);
    }
}

// Each `size` neighbours: window(1 2 3 4, 2) gives [1 2], [2 3], [3 4]; nothing, if there are
// fewer values than that. `size` is at least 1. (itertools.pairwise, for any number)
template <typename T>
Generator<std::vector<T>> window(Generator<T> values, std::size_t size) {
    std::deque<T> newest;
    while (std::optional<T> value = values.next()) {
        newest.push_back(std::move(*value));
        if (newest.size() == size) {
            std::vector<T> neighbours(newest.begin(), newest.end());
            newest.pop_front(); // now: the next value may never be asked for
            co_yield std::move(neighbours);
        }
    }
}

// One value of each in turn; it ends with the shorter of the two. (zip)
template <typename A, typename B>
Generator<std::pair<A, B>> zip(Generator<A> left, Generator<B> right) {
    while (std::optional<A> a = left.next()) {
        std::optional<B> b = right.next();
        if (!b) {
            co_return;
        }
        std::pair<A, B> both(std::move(*a), std::move(*b));
        co_yield std::move(both);
    }
}
