// What the benchmark programs of the stages share: how long does one of many operations take?
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>

// Calls run_many(n), which performs the operation n times, with n growing until that takes long
// enough to be measured, and prints the time of one operation in nanoseconds.
template <typename Function>
void measure(const char* name, Function run_many) {
    for (std::size_t n = 1000;; n *= 2) {
        auto start = std::chrono::steady_clock::now();
        run_many(n);
        std::chrono::duration<double, std::nano> taken =
            std::chrono::steady_clock::now() - start;
        if (taken > std::chrono::milliseconds(200)) {
            std::printf("  %-52s %8.0f ns\n", name, taken.count() / static_cast<double>(n));
            return;
        }
    }
}
