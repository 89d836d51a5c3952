// Experiment: two tasks that work for 200 ms each, without a co_await in between. First in the
// thread of the loop, then in the executor.
#include "executor.hpp"
#include "gather.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

// Returns in which thread it has worked. (It sleeps; a computation would do the same.)
std::thread::id work() {
    std::this_thread::sleep_for(200ms);
    return std::this_thread::get_id();
}

Coroutine<std::thread::id> work_in_a_task() {
    co_return work();
}

void tell(const std::vector<std::thread::id>& threads, Clock::time_point start) {
    bool is_same = threads[0] == threads[1];
    bool is_serial = Clock::now() - start >= 400ms;
    std::cout << "  in " << (is_same ? "the same thread" : "two threads") << ", and it took "
              << (is_serial ? "as long as both together\n" : "less than both together\n");
}

Coroutine<void> program() {
    std::cout << "two tasks\n";
    Clock::time_point start = Clock::now();
    tell(co_await gather(work_in_a_task(), work_in_a_task()), start);

    std::cout << "two functions, run in the executor\n";
    start = Clock::now();
    tell(co_await gather(run_in_executor(work), run_in_executor(work)), start);
}

int main() {
    EventLoop loop;
    run(loop, program());
}
