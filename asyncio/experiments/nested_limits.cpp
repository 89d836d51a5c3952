// Experiment: a time limit within another one, which is shorter. What does the code between the two
// see, when the outer time is up?
#include "run.hpp"
#include "timeout.hpp"

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

Coroutine<void> fetch() {
    try {
        co_await wait_for(sleep(1h), 50ms);
    } catch (const TimeoutError&) {
        std::cout << "within the inner limit: TimeoutError\n";
    } catch (const CancelledError&) {
        std::cout << "within the inner limit: CancelledError\n";
        throw;
    }
}

Coroutine<void> program() {
    try {
        co_await wait_for(fetch(), 20ms);
    } catch (const TimeoutError&) {
        std::cout << "around the outer limit: TimeoutError\n";
    }
}

int main() {
    EventLoop loop;
    run(loop, program());
}
