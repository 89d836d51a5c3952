// Wrong: window() collects all values before it gives the first window
// Test: window: no value is asked for that nobody wants
// Says: all values were asked for before the first window was given
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
    std::deque<T> all;
    while (std::optional<T> value = values.next()) {
        all.push_back(std::move(*value));
    }
    for (; all.size() >= size; all.pop_front()) {
        auto end = all.begin() + static_cast<std::ptrdiff_t>(size);
        co_yield std::vector<T>(all.begin(), end);
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
