// Experiment: four computations of the same length, and a task that looks at its clock every 10
// ms. First the computations are tasks of the loop, then functions in the executor's threads.
#include "executor.hpp"
#include "gather.hpp"
#include "run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

std::int64_t milliseconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// How often 1 is reached from the numbers below `limit` by halving, or else 3n + 1.
std::uint64_t compute(std::uint64_t limit = 300'000) {
    std::uint64_t steps = 0;
    for (std::uint64_t start = 1; start < limit; ++start) {
        for (std::uint64_t n = start; n != 1; n = n % 2 == 0 ? n / 2 : 3 * n + 1) {
            ++steps;
        }
    }
    return steps;
}

Coroutine<std::uint64_t> compute_in_a_task() {
    co_return compute();
}

// By how much a sleep of 10 ms was too long, at worst.
Coroutine<void> tick(std::chrono::nanoseconds& worst) {
    while (true) {
        Clock::time_point start = Clock::now();
        co_await sleep(10ms);
        worst = std::max<std::chrono::nanoseconds>(worst, Clock::now() - start - 10ms);
    }
}

template <typename Computations>
Coroutine<void> measure(const char* where, Computations computations) {
    std::chrono::nanoseconds worst = 0ms;
    Task<void> ticker = create_task(tick(worst));
    co_await sleep(0ms);
    Clock::time_point start = Clock::now();
    co_await computations();
    std::chrono::nanoseconds elapsed = Clock::now() - start;
    co_await sleep(20ms);
    ticker.cancel();
    std::cout << where << ": " << milliseconds(elapsed) << " ms; another task was late by "
              << milliseconds(worst) << " ms\n";
}

Coroutine<void> program() {
    std::cout << "processors: " << std::thread::hardware_concurrency() << '\n';
    co_await measure("one, in the loop", [] { return compute_in_a_task(); });
    co_await measure("four tasks of the loop", [] {
        return gather(compute_in_a_task(), compute_in_a_task(), compute_in_a_task(),
                      compute_in_a_task());
    });
    co_await measure("four in the executor", [] {
        auto run = [] { return run_in_executor([] { return compute(); }); };
        return gather(run(), run(), run(), run());
    });
}

int main() {
    EventLoop loop;
    run(loop, program());
}
