// Experiment: two tasks that work for 200 ms each, without a co_await in between. First in the
// thread of the loop, then in the executor.
#include "executor.hpp"
#include "gather.hpp"
#include "run.hpp"

#include <chrono>
#include <ctime>
#include <iostream>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

std::chrono::nanoseconds processor_time() { // that this thread has used
    std::timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// Keeps a processor busy. Returns in which thread that was.
std::thread::id work() {
    auto end = processor_time() + 200ms;
    while (processor_time() < end) {
    }
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
