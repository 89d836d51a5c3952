#include <itertools.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

// 1, 2, 3 and so on to `last`; `asked` counts.
Generator<int> count_to(int last, int& asked) {
    for (int i = 1; i <= last; ++i) {
        ++asked;
        co_yield i;
    }
}

Generator<int> count_to(int last) {
    for (int i = 1; i <= last; ++i) {
        co_yield i;
    }
}

Generator<int> fail_after(int last) {
    for (int i = 1; i <= last; ++i) {
        co_yield i;
    }
    throw std::runtime_error("broken");
}

Generator<std::unique_ptr<int>> pointers() {
    co_yield std::make_unique<int>(1);
    co_yield std::make_unique<int>(2);
}

template <typename T>
std::vector<T> list(Generator<T> generator) {
    std::vector<T> values;
    while (std::optional<T> value = generator.next()) {
        values.push_back(std::move(*value));
    }
    return values;
}

using Numbers = std::vector<int>;
using Windows = std::vector<std::vector<int>>;

} // namespace

TEST_CASE("take: the first values") {
    CHECK(list(take(count_to(1'000'000'000), 3)) == Numbers{1, 2, 3});
    CHECK(list(take(count_to(2), 3)) == Numbers{1, 2});
    CHECK(list(take(count_to(2), 0)) == Numbers{});
}

TEST_CASE("take: no value is asked for that is not wanted") {
    int asked = 0;
    Generator<int> first_two = take(count_to(10, asked), 2);
    CHECK(asked == 0);
    step("one value is asked for");
    CHECK(first_two.next() == 1);
    CHECK(asked == 1);
    step("a second one, and a third one, which does not come");
    CHECK(first_two.next() == 2);
    CHECK(first_two.next() == std::nullopt);
    CHECK_MESSAGE(asked == 2, "the value after the last was asked for, and is not wanted");
}

TEST_CASE("take: values that cannot be copied") {
    Generator<std::unique_ptr<int>> first = take(pointers(), 1);
    std::optional<std::unique_ptr<int>> pointer = first.next();
    REQUIRE(pointer.has_value());
    CHECK(**pointer == 1);
    CHECK(!first.next().has_value());
}

TEST_CASE("window: neighbours") {
    CHECK(list(window(count_to(4), 2)) == Windows{{1, 2}, {2, 3}, {3, 4}});
    CHECK(list(window(count_to(4), 1)) == Windows{{1}, {2}, {3}, {4}});
    CHECK(list(window(count_to(4), 4)) == Windows{{1, 2, 3, 4}});
    CHECK(list(window(count_to(4), 5)) == Windows{});
}

TEST_CASE("window: no value is asked for that is not wanted") {
    int asked = 0;
    Generator<std::vector<int>> windows = window(count_to(10, asked), 3);
    CHECK(asked == 0);
    step("one window of three is asked for, and another one");
    CHECK(windows.next() == Numbers{1, 2, 3});
    CHECK_MESSAGE(asked == 3, "all values were asked for before the first window was given");
    CHECK(windows.next() == Numbers{2, 3, 4});
    CHECK(asked == 4);
}

TEST_CASE("zip: pairs") {
    using Pairs = std::vector<std::pair<int, int>>;
    CHECK(list(zip(count_to(2), count_to(3))) == Pairs{{1, 1}, {2, 2}});
    CHECK(list(zip(count_to(3), count_to(2))) == Pairs{{1, 1}, {2, 2}});
}

TEST_CASE("zip: the right one is not asked in vain") {
    int asked = 0;
    CHECK(list(zip(count_to(2), count_to(9, asked))).size() == 2);
    CHECK_MESSAGE(asked == 2,
                  "the left one had ended, and the right one was asked all the same");
}

TEST_CASE("an error comes through") {
    step("the generator gives two values, and then throws");
    Generator<int> values = take(fail_after(2), 5);
    CHECK(values.next() == 1);
    CHECK(values.next() == 2);
    CHECK_THROWS_WITH_AS(values.next(), "broken", std::runtime_error);
}

TEST_CASE("they can be put one into the other") {
    CHECK(list(take(window(take(count_to(1'000'000'000), 5), 2), 2)) ==
          Windows{{1, 2}, {2, 3}});
}
