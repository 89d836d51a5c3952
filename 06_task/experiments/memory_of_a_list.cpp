// Experiment: the squares of the numbers below n, as a function that returns all of them, and
// as a generator that yields them. How much memory does each take while they are added up?
#include "generator.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <new>
#include <optional>
#include <vector>

// Counts what is allocated.
std::size_t allocated = 0;
std::size_t most_allocated = 0;

void* operator new(std::size_t size) {
    auto* block = static_cast<std::size_t*>(std::malloc(size + sizeof(std::max_align_t)));
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    *block = size;
    allocated += size;
    most_allocated = std::max(most_allocated, allocated);
    return reinterpret_cast<char*>(block) + sizeof(std::max_align_t);
}
void operator delete(void* memory) noexcept {
    if (memory != nullptr) {
        auto* block = reinterpret_cast<std::size_t*>(static_cast<char*>(memory) -
                                                     sizeof(std::max_align_t));
        allocated -= *block;
        std::free(block);
    }
}
void operator delete(void* memory, std::size_t) noexcept {
    operator delete(memory);
}

std::vector<std::uint64_t> squares(std::uint64_t n) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t i = 0; i < n; ++i) {
        all.push_back(i * i);
    }
    return all;
}

Generator<std::uint64_t> yield_squares(std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
        co_yield (i * i);
    }
}

template <typename Function>
void measure(const char* what, Function add_up) {
    most_allocated = allocated;
    std::size_t before = allocated;
    std::uint64_t sum = add_up();
    std::cout << "  " << what << ": at most " << most_allocated - before
              << " bytes, the sum is " << sum << '\n';
}

int main() {
    for (std::uint64_t n : {1'000u, 1'000'000u}) {
        std::cout << n << " numbers\n";
        measure("squares(n)", [n] {
            std::uint64_t sum = 0;
            for (std::uint64_t square : squares(n)) {
                sum += square;
            }
            return sum;
        });
        measure("yield_squares(n)", [n] {
            std::uint64_t sum = 0;
            Generator<std::uint64_t> generator = yield_squares(n);
            while (std::optional<std::uint64_t> square = generator.next()) {
                sum += *square;
            }
            return sum;
        });
    }
}
