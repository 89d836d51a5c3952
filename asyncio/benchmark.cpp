// What waiting costs with coroutines.
#include "event_loop.hpp"
#include "future.hpp"
#include "gather.hpp"
#include "queue.hpp"
#include "task.hpp"

#include "support/benchmark.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <utility>

using namespace std::chrono_literals;

Coroutine<int> ready() {
    co_return 1;
}

Coroutine<int> await_ready_coroutines(std::size_t n) {
    int sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        sum += co_await ready();
    }
    co_return sum;
}

// n Futures in turn: each is made, waited for, and completed in the next iteration.
Coroutine<void> wait_in_turn(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        Future<void> future(EventLoop::running());
        EventLoop::running().call_soon([future] { future.set_result(); });
        co_await future;
    }
}

Coroutine<void> give_up_turn(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        co_await sleep(0ms);
    }
}

Coroutine<void> put(Queue<int>& queue, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        co_await queue.put(1);
    }
}

Coroutine<void> get(Queue<int>& queue, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        co_await queue.get();
    }
}

Coroutine<void> put_and_get(std::size_t n, std::size_t maxsize) {
    Queue<int> queue(maxsize);
    co_await gather(put(queue, n), get(queue, n));
}

template <typename T>
void run_task(Coroutine<T> coroutine) {
    EventLoop loop;
    Future<T> task = create_task(loop, std::move(coroutine));
    run_until_complete(loop, task);
}

// A hundred tasks that take turns: 100 switches for each iteration of the loop.
void switch_tasks(std::size_t n) {
    EventLoop loop;
    for (int i = 0; i < 100; ++i) {
        create_task(loop, give_up_turn(n / 100));
    }
    while (!tasks_of(loop).empty()) {
        loop.stop();
        loop.run_forever();
    }
}

void set_and_cancel_timers() {
    EventLoop loop;
    for (int i = 0; i < 100'000; ++i) {
        loop.call_later(1h, [] {});
    }
    measure("set and cancel a timer, 100,000 others pending", [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            loop.call_later(1s, [] {}).cancel();
            if (i % 100 == 0) { // as in a real program the loop runs now and then
                loop.stop();
                loop.run_forever();
            }
        }
    });
}

int main() {
    std::puts("asyncio");
    measure("await a coroutine that is ready",
            [](std::size_t n) { run_task(await_ready_coroutines(n)); });
    measure("wait for a Future that is done one iteration later",
            [](std::size_t n) { run_task(wait_in_turn(n)); });
    measure("one iteration of the loop, with its poll",
            [](std::size_t n) { run_task(give_up_turn(n)); });
    measure("switch between 100 tasks", switch_tasks);
    measure("put and get, queue of 1: a switch for each item",
            [](std::size_t n) { run_task(put_and_get(n, 1)); });
    measure("put and get, queue of 1,000",
            [](std::size_t n) { run_task(put_and_get(n, 1000)); });
    set_and_cancel_timers();
}
