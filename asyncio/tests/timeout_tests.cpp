// wait_for, and the races of a timeout or a cancellation with the end of the wait.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "gather.hpp"
#include "queue.hpp"
#include "run.hpp"
#include "task.hpp"
#include "timeout.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

Coroutine<int> with_timeout(Future<int> future,
                            std::optional<std::chrono::nanoseconds> timeout) {
    co_return co_await wait_for(future, timeout);
}

Coroutine<int> consume(Queue<int>& queue, int count) {
    int in_order = 0;
    for (int i = 0; i < count; ++i) {
        in_order += co_await queue.get() == i ? 1 : 0;
    }
    co_return in_order;
}

} // namespace

TEST_SUITE_BEGIN("timeout");

TEST_CASE("wait_for gives a value that comes in time, and leaves no timer behind") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    for (int i = 0; i < 300; ++i) { // enough for the cancelled timers to be thrown out
        Future<int> future(loop);
        future.add_done_callback([captured](Future<int>) {});
        loop.call_soon([future] { future.set_result(7); });
        CHECK(run_coroutine(loop, with_timeout(future, 1h)) == 7);
    }
    CHECK(run_coroutine(loop, wait_for(give(42), std::nullopt)) == 42);
    CHECK(captured.use_count() == 1);
}

TEST_CASE("TimeoutError comes when the cancelled task has ended") {
    EventLoop loop;
    std::string log;
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(clean_up_slowly(log), 5ms)), TimeoutError);
    CHECK(log == "cleaned up");
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("a timeout of zero or less starts nothing, but takes a result that is there") {
    for (std::chrono::nanoseconds timeout : {0ns, -5ns}) {
        EventLoop loop;
        std::string log;
        Future<int> done(loop);
        done.set_result(42);
        CHECK(run_coroutine(loop, with_timeout(done, timeout)) == 42);
        CHECK_THROWS_AS(run_coroutine(loop, wait_for(append(log, 'A'), timeout)), TimeoutError);
        CHECK(log == ""); // never started
        Task<void> running = create_task(loop, sleep_long(log, 'x'));
        run_one_iteration(loop);
        CHECK_THROWS_AS(run_coroutine(loop, wait_for(running, timeout)), TimeoutError);
        CHECK(running.cancelled());
    }
}

TEST_CASE(
    "a task that is cancelled in wait_for cancels the inner task and gets CancelledError") {
    EventLoop loop;
    std::string log;
    Task<void> inner = create_task(loop, sleep_long(log, 'x'));
    Task<void> outer = create_task(loop, wait_for(inner, 60s));
    run_one_iteration(loop);
    run_one_iteration(loop);
    outer.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, outer), CancelledError);
    CHECK(inner.cancelled());
}

TEST_CASE("a cancellation during the clean-up after a timeout is not lost") {
    struct Body {
        static Coroutine<void> clean_up_until(Future<void> gate, std::string& log) {
            bool is_cancelled = false;
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                is_cancelled = true;
            }
            if (is_cancelled) {
                log += "cleaning";
                co_await gate;
            }
        }
    };
    EventLoop loop;
    std::string log;
    Future<void> gate(loop);
    Task<void> outer = create_task(loop, wait_for(Body::clean_up_until(gate, log), 1us));
    while (log.empty()) {
        run_coroutine(loop, give_later(0, 1ms));
    }
    CHECK_FALSE(outer.done()); // the timeout has come, the inner task cleans up
    CHECK(outer.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, outer), CancelledError);
    CHECK(gate.cancelled());
}

TEST_CASE("wait_for loses no item when it is cancelled in the iteration in which that comes") {
    struct Body {
        static Coroutine<void> consume(Queue<int>& queue, int& got) {
            got = co_await wait_for(queue.get(), 1h);
        }
    };
    for (int iterations : {0, 1, 2}) {
        CAPTURE(iterations);
        EventLoop loop;
        Queue<int> queue;
        int got = 0;
        Task<void> consumer = create_task(loop, Body::consume(queue, got));
        run_one_iteration(loop);
        queue.put_nowait(1);
        for (int i = 0; i < iterations; ++i) {
            run_one_iteration(loop);
        }
        if (consumer.cancel()) {
            CHECK_THROWS_AS(run_until_complete(loop, consumer), CancelledError);
        }
        CHECK(queue.size() + static_cast<std::size_t>(got) == 1);
    }
}

TEST_CASE("wait_for of a task that has cancelled itself before gives CancelledError") {
    struct Body {
        static Coroutine<void> without_time(std::optional<Task<void>>& myself) {
            myself->cancel();
            co_await wait_for(give(1), 0s);
        }
        static Coroutine<void> clean_up_too_slowly(std::optional<Task<void>>& myself,
                                                   std::string& log) {
            myself->cancel();
            co_await wait_for(clean_up_slowly(log), 1us);
        }
    };
    EventLoop loop;
    std::string log;
    std::optional<Task<void>> task;
    task = create_task(loop, Body::without_time(task));
    CHECK_THROWS_AS(run_until_complete(loop, *task), CancelledError);
    task = create_task(loop, Body::clean_up_too_slowly(task, log));
    CHECK_THROWS_AS(run_until_complete(loop, *task), CancelledError);
}

TEST_CASE(
    "wait_for that is cancelled in the iteration in which it began waits for the clean-up") {
    EventLoop loop;
    std::string log;
    Task<int> task = create_task(loop, wait_for(clean_up_slowly(log), 1h));
    run_one_iteration(loop);
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(log == "cleaned up");
}

TEST_CASE("wait_for ends also what waits again and again for what is there at once") {
    struct Body {
        static Coroutine<void> give_up_turns() {
            for (int i = 0; i < 100'000; ++i) { // fails instead of hanging
                co_await sleep(0ms);
            }
        }
        static Coroutine<void> produce_for_ever(Queue<int>& queue) {
            while (true) {
                queue.put_nowait(1);
                co_await sleep(0ms);
            }
        }
    };
    EventLoop loop;
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(Body::give_up_turns(), 1us)), TimeoutError);
    Queue<int> queue;
    create_task(loop, Body::produce_for_ever(queue));
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(consume(queue, 100'000), 1us)), TimeoutError);
    cancel_all_tasks(loop);
}

TEST_CASE("wait_for with a timeout of 400 years, or of minus 400") {
    EventLoop loop;
    constexpr auto LONG = std::chrono::hours(400 * 365 * 24);
    CHECK(run_coroutine(loop, wait_for(give(1), LONG)) == 1);
    Future<int> future(loop);
    loop.call_later(1ms, [future] { future.set_result(2); });
    CHECK(run_coroutine(loop, wait_for(future, LONG)) == 2);
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(give(1), -LONG)), TimeoutError);
}

TEST_CASE("a result in the same iteration as the timeout wins") {
    EventLoop loop;
    Future<int> future(loop);
    Task<int> task = create_task(loop, with_timeout(future, 1ms));
    run_one_iteration(loop); // starts the timer
    compute_for(2ms);        // now the timer is due, but has not run
    loop.call_soon([future] { future.set_result(42); });
    CHECK(run_until_complete(loop, task) == 42);
}

TEST_CASE(
    "a cancellation in the same iteration as the timeout is a cancellation, in any order") {
    for (bool is_cancelled_first : {true, false}) {
        CAPTURE(is_cancelled_first);
        EventLoop loop;
        std::string log;
        std::optional<Task<void>> task;
        Clock::time_point due = loop.time() + 1ms;
        auto cancel = [&] { task->cancel(); };
        if (is_cancelled_first) {
            loop.call_at(due, cancel);
        }
        task = create_task(loop, wait_for(sleep_long(log, 'x'), due - loop.time()));
        run_one_iteration(loop); // starts the timer
        if (!is_cancelled_first) {
            loop.call_at(due + 1ms, cancel);
        }
        compute_for(3ms); // now both timers are due
        CHECK_THROWS_AS(run_until_complete(loop, *task), CancelledError);
        CHECK(log == "x");
    }
}

TEST_CASE("an outer time limit is kept, whatever is waited for and whichever is due first") {
    // Each waits for what does not come.
    struct Wait {
        static Coroutine<void> socket(AsyncSocket peer) { co_await peer.recv(1); }
        static Coroutine<void> future(EventLoop& loop) { co_await Future<int>(loop); }
        static Coroutine<void> task(EventLoop& loop) { co_await create_task(future(loop)); }
        static Coroutine<void> both(EventLoop& loop) {
            co_await gather(future(loop), future(loop));
        }
        static Coroutine<void> item() { co_await Queue<int>().get(); }
    };
    struct Body {
        static Coroutine<void> clean_up(Coroutine<void> wait, Delay how_long) {
            bool is_cancelled = false;
            try {
                co_await std::move(wait);
            } catch (const CancelledError&) {
                is_cancelled = true;
            }
            if (is_cancelled) {
                co_await sleep(how_long);
                throw CancelledError();
            }
        }
        static Coroutine<void> try_again(std::function<Coroutine<void>()> make_wait,
                                         Delay limit, Delay clean_up_takes) {
            for (int tries = 0; tries < 100; ++tries) { // fails instead of hanging
                try {
                    co_await wait_for(clean_up(make_wait(), clean_up_takes), limit);
                } catch (const TimeoutError&) {
                }
            }
        }
        static Coroutine<void> hold_the_loop(Delay how_long) {
            compute_for(std::chrono::duration_cast<std::chrono::nanoseconds>(how_long));
            co_return;
        }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    const std::pair<std::string, std::function<Coroutine<void>()>> waits[] = {
        {"socket", [&] { return Wait::socket(connection.ours); }},
        {"Future", [&] { return Wait::future(loop); }},
        {"Task", [&] { return Wait::task(loop); }},
        {"gather", [&] { return Wait::both(loop); }},
        {"sleep", [] { return sleep(1h); }},
        {"queue", [] { return Wait::item(); }},
    };
    for (const auto& wait : waits) {
        CAPTURE(wait.first);
        for (Delay inner : {1ms, 2ms, 3ms}) {
            CAPTURE(inner.count());
            for (Delay clean_up_takes : {0ms, 5ms}) {
                CAPTURE(clean_up_takes.count());
                for (Delay held : {0ms, 4ms}) { // then both are due in one iteration
                    CAPTURE(held.count());
                    Task<void> task = create_task(
                        loop,
                        wait_for(Body::try_again(wait.second, inner, clean_up_takes), 2ms));
                    create_task(loop, Body::hold_the_loop(held));
                    CHECK_THROWS_AS(run_until_complete(loop, task), TimeoutError);
                }
            }
        }
    }
}

TEST_CASE("only the inner of two time limits is reached") {
    struct Body {
        static Coroutine<void> inner(std::string& log) {
            try {
                co_await wait_for(sleep(1h), 1us);
            } catch (const TimeoutError&) {
                log += "inner";
            }
            co_await sleep(1ms); // which no limit interrupts
        }
    };
    EventLoop loop;
    std::string log;
    run_coroutine(loop, wait_for(Body::inner(log), 1h));
    CHECK(log == "inner");
}

TEST_SUITE_END();
