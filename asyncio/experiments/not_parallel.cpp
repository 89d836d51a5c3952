// Experiment: two tasks that work for 200 ms each, without a co_await in between. First in the
// thread of the loop, then in the executor.
#include "executor.hpp"
#include "gather.hpp"
#include "run.hpp"

#include <chrono>
#include <cstdint>
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

struct Work {
    std::thread::id thread;
    Clock::time_point begin;
    Clock::time_point end;
};

// Keeps a processor busy.
Work work() {
    Clock::time_point begin = Clock::now();
    auto end = processor_time() + 200ms;
    while (processor_time() < end) {
    }
    return {std::this_thread::get_id(), begin, Clock::now()};
}

Coroutine<Work> work_in_a_task() {
    co_return work();
}

std::int64_t milliseconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

void tell(const std::vector<Work>& works, Clock::time_point start) {
    for (const Work& one : works) {
        std::cout << "  from " << milliseconds(one.begin - start) << " to "
                  << milliseconds(one.end - start) << " ms\n";
    }
    bool is_same = works[0].thread == works[1].thread;
    std::cout << "  in " << (is_same ? "the same thread" : "two threads") << ", together "
              << milliseconds(Clock::now() - start) << " ms\n";
}

Coroutine<void> program() {
    std::cout << "processors: " << std::thread::hardware_concurrency() << "\ntwo tasks\n";
    Clock::time_point start = Clock::now();
    std::vector<Work> works = co_await gather(work_in_a_task(), work_in_a_task());
    tell(works, start);

    std::cout << "two functions, run in the executor\n";
    start = Clock::now();
    works = co_await gather(run_in_executor(work), run_in_executor(work));
    tell(works, start);
}

int main() {
    EventLoop loop;
    run(loop, program());
}
