// Queue: order, waiting for items and for room, cancellation, join.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "queue.hpp"
#include "run.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

namespace {

Coroutine<int> get_one(Queue<int>& queue) {
    co_return co_await queue.get();
}

Coroutine<void> put_one(Queue<int>& queue, int item) {
    co_await queue.put(item);
}

Coroutine<void> join(Queue<int>& queue) {
    co_await queue.join();
}

Coroutine<void> produce(Queue<int>& queue, int count) {
    for (int i = 0; i < count; ++i) {
        co_await queue.put(i);
    }
}

Coroutine<int> consume(Queue<int>& queue, int count) {
    int in_order = 0;
    for (int i = 0; i < count; ++i) {
        in_order += co_await queue.get() == i ? 1 : 0;
    }
    co_return in_order;
}

Coroutine<void> work(Queue<int>& queue, int& done) {
    while (true) {
        co_await queue.get();
        co_await sleep(0ms);
        ++done;
        queue.task_done();
    }
}

} // namespace

TEST_SUITE_BEGIN("Queue");

TEST_CASE("a Queue is first in, first out") {
    Queue<int> queue;
    for (int item : {1, 3, 2}) {
        queue.put_nowait(item);
    }
    CHECK(queue.size() == 3);
    CHECK(queue.get_nowait() == 1);
    CHECK(queue.get_nowait() == 3);
    CHECK(queue.get_nowait() == 2);
    CHECK(queue.empty());
}

TEST_CASE("get waits for a put, and get_nowait does not") {
    EventLoop loop;
    Queue<int> queue;
    CHECK_THROWS_AS(queue.get_nowait(), QueueEmpty);
    Task<int> getter = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    CHECK_FALSE(getter.done());
    queue.put_nowait(42);
    CHECK(run_until_complete(loop, getter) == 42);
}

TEST_CASE("put waits while the queue is full") {
    EventLoop loop;
    Queue<int> queue(2);
    Task<void> producer = create_task(loop, produce(queue, 3));
    run_one_iteration(loop);
    CHECK(queue.full());
    CHECK_FALSE(producer.done());
    CHECK_THROWS_AS(queue.put_nowait(9), QueueFull);
    CHECK(queue.get_nowait() == 0);
    run_until_complete(loop, producer);
    CHECK(queue.size() == 2);
    Queue<int> unlimited;
    for (int i = 0; i < 1000; ++i) {
        unlimited.put_nowait(i);
        CHECK_FALSE(unlimited.full());
    }
}

TEST_CASE("no item is lost when a getter is cancelled whose turn it was") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> getter = create_task(loop, get_one(queue));
    Task<int> second = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1);
    queue.put_nowait(2);
    getter.cancel();
    CHECK(run_until_complete(loop, second) == 1);
    CHECK_THROWS_AS(run_until_complete(loop, getter), CancelledError);
    CHECK(queue.get_nowait() == 2);
}

TEST_CASE("the turn of a cancelled getter goes to the next one") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> getter = create_task(loop, get_one(queue));
    Task<int> second = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1); // wakes the first
    getter.cancel();
    CHECK(run_until_complete(loop, second) == 1);
    CHECK_THROWS_AS(run_until_complete(loop, getter), CancelledError);
}

TEST_CASE("a getter that was cancelled a moment ago takes no item") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> getter = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    getter.cancel();
    queue.put_nowait(1); // it does not know yet
    run_one_iteration(loop);
    CHECK(getter.cancelled());
    CHECK(queue.get_nowait() == 1);
}

TEST_CASE("Queue: a getter that is cancelled wakes the next only if there is an item") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> cancelled = create_task(loop, get_one(queue));
    Task<int> first = create_task(loop, get_one(queue));
    Task<int> second = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1); // before the getter, whose turn it was
    cancelled.cancel();
    run_one_iteration(loop);
    run_one_iteration(loop);
    queue.put_nowait(2); // woken for nothing, the first would now stand behind the second
    CHECK(run_until_complete(loop, first) == 2);
    second.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, second), CancelledError);
}

TEST_CASE("a woken getter or putter looks at the queue again, and waits again if it must") {
    EventLoop loop;
    Queue<int> queue(1);
    Task<int> getter = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1); // before the getter, whose turn it was
    run_one_iteration(loop);
    CHECK_FALSE(getter.done());
    queue.put_nowait(2);
    CHECK(run_until_complete<int>(loop, getter) == 2);

    queue.put_nowait(3);
    Task<void> putter = create_task(loop, queue.put(5));
    run_one_iteration(loop);
    CHECK(queue.get_nowait() == 3);
    queue.put_nowait(4); // before the putter, whose turn it was
    run_one_iteration(loop);
    CHECK_FALSE(putter.done());
    CHECK(queue.get_nowait() == 4);
    run_until_complete<void>(loop, putter);
    CHECK(queue.get_nowait() == 5);
}

TEST_CASE("task_done throws when it is called more often than there were items") {
    Queue<int> queue;
    CHECK_THROWS_AS(queue.task_done(), std::invalid_argument);
    queue.put_nowait(1);
    queue.task_done(); // needs no get before
    CHECK_THROWS_AS(queue.task_done(), std::invalid_argument);
}

TEST_CASE("join waits for the last task_done, not for the queue to be empty") {
    EventLoop loop;
    Queue<int> queue;
    run_coroutine(loop, join(queue)); // nothing to wait for
    for (int i = 0; i < 100; ++i) {
        queue.put_nowait(i);
    }
    int done = 0;
    create_task(loop, work(queue, done));
    create_task(loop, work(queue, done));
    Task<void> first = create_task(loop, join(queue));
    Task<void> second = create_task(loop, join(queue));
    run_until_complete(loop, first);
    CHECK(done == 100);
    run_until_complete(loop, second);
    cancel_all_tasks(loop);
}

TEST_CASE("every get wakes a putter and every put wakes a getter, so no task is forgotten") {
    EventLoop loop;
    Queue<int> queue(1);
    create_task(loop, produce(queue, 1000));
    CHECK(run_coroutine(loop, consume(queue, 1000)) == 1000);

    Queue<int> narrow(2);
    std::vector<Task<void>> putters;
    for (int i = 0; i < 4; ++i) {
        putters.push_back(create_task(loop, put_one(narrow, i)));
    }
    run_one_iteration(loop);
    CHECK(narrow.get_nowait() == 0);
    CHECK(narrow.get_nowait() == 1);
    for (const Task<void>& putter : putters) {
        run_until_complete(loop, putter);
    }
    CHECK(narrow.get_nowait() == 2);
    CHECK(narrow.get_nowait() == 3);
}

TEST_SUITE_END();
