// Experiment: a generator hands over to another one. First with co_yield elements_of(...), then
// with co_yield alone.
#include "generator.hpp"

#include <iostream>
#include <optional>
#include <string>
#include <utility>

Generator<int> count_to(int last) {
    for (int i = 1; i <= last; ++i) {
        co_yield i;
    }
}

Generator<int> twice() {
    co_yield elements_of(count_to(3));
    co_yield elements_of(count_to(3));
}

// The mistake: the generator itself is handed out, and not what it yields.
Generator<Generator<int>> twice_without_from() {
    co_yield count_to(3);
    co_yield count_to(3);
}

int main() {
    std::cout << "co_yield elements_of(sub):";
    Generator<int> numbers = twice();
    while (std::optional<int> number = numbers.next()) {
        std::cout << ' ' << *number;
    }
    std::cout << "\nco_yield sub:";
    Generator<Generator<int>> generators = twice_without_from();
    while (std::optional<Generator<int>> generator = generators.next()) {
        std::cout << (generator->done() ? " a number" : " a generator, which has not begun");
    }
    std::cout << '\n';
}
