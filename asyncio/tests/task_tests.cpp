// Tasks: how they start, end, fail, and what becomes of those that still wait.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "gather.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

Coroutine<int> fail_two_levels_down() {
    co_return co_await fail();
}

Coroutine<std::string> catch_error_of(Future<int> future) {
    std::string text = "no error";
    try {
        co_await future;
    } catch (const std::runtime_error& caught) {
        text = std::string("caught ") + caught.what();
    }
    co_await sleep(0ms); // goes on as usual
    co_return text;
}

} // namespace

TEST_SUITE_BEGIN("Task");

TEST_CASE("create_task runs nothing yet, and the first steps come in order of creation") {
    EventLoop loop;
    std::string log;
    create_task(loop, append(log, 'A'));
    loop.call_soon([&] { log += 'B'; });
    create_task(loop, append(log, 'C'));
    CHECK(log == "");
    run_one_iteration(loop);
    CHECK(log == "ABC");
}

TEST_CASE("an error ends the task, not the loop, and is thrown where the task is awaited") {
    EventLoop loop;
    CHECK_THROWS_WITH(run_coroutine(loop, fail_two_levels_down()), "broken");
    CHECK(run_coroutine(loop, catch_error_of(create_task(loop, fail()))) == "caught broken");
}

TEST_CASE("an error of a task that nothing awaits is reported, never lost, never fatal") {
    EventLoop loop;
    auto reports = reports_of(loop);
    create_task(loop, fail());
    CHECK(run_coroutine(loop, add_up()) == 1042);
    REQUIRE(reports->size() == 1);
    CHECK(reports->front() == "exception of a Future was never retrieved");
}

TEST_CASE("current() is the task that runs") {
    struct Body {
        static Coroutine<void> check_current(std::vector<TaskBase*>& seen) {
            TaskBase* myself = TaskBase::current();
            seen.push_back(myself);
            for (int i = 0; i < 3; ++i) {
                co_await sleep(0ms);
                CHECK(TaskBase::current() == myself);
            }
        }
    };
    EventLoop loop;
    std::vector<TaskBase*> seen;
    Task<void> first = create_task(loop, Body::check_current(seen));
    Task<void> second = create_task(loop, Body::check_current(seen));
    loop.call_soon([] { CHECK(TaskBase::current() == nullptr); });
    run_until_complete(loop, first);
    run_until_complete(loop, second);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0] != nullptr);
    CHECK(seen[0] != seen[1]);
    CHECK(TaskBase::current() == nullptr);
}

TEST_CASE("a task refuses a result that does not come from its coroutine") {
    EventLoop loop;
    Task<int> task = create_task(loop, give(1));
    CHECK_THROWS_AS(task.set_result(2), std::logic_error);
    CHECK_THROWS_AS(task.set_exception(error("broken")), std::logic_error);
    run_one_iteration(loop);
    CHECK_THROWS_AS(task.state()->set_result(2), std::logic_error);
    CHECK_FALSE(task.done());
    CHECK(run_until_complete(loop, task) == 1);
    CHECK_THROWS_AS(task.set_result(2), InvalidStateError);
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("to cancel a task that has failed counts as looking at its exception") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Task<int> task = create_task(loop, fail());
        while (!task.done()) {
            run_one_iteration(loop);
        }
        CHECK_FALSE(task.cancel());
    }
    CHECK(reports->empty());
}

TEST_CASE("a task that is pending when its loop is closed is reported and destroyed") {
    EventLoop loop;
    auto reports = reports_of(loop);
    std::string log;
    create_task(loop, wait_for_it(Future<int>(loop), log, 'x')); // held by nothing but the loop
    Task<void> held = create_task(loop, sleep_long(log, 'y'));
    create_task(loop, append(log, 'z')); // not started yet
    create_task(loop, sleep_long(log, 'y'));
    run_one_iteration(loop);
    CHECK(log == "z");
    create_task(loop, append(log, 'z'));
    loop.close();
    CHECK(reports->size() == 4);
    CHECK(reports->front().ends_with(" was destroyed but it is pending"));
    CHECK(log == "zxyy");
    CHECK_FALSE(held.done());
    CHECK_THROWS_AS(create_task(loop, append(log, 'q')), std::runtime_error);
}

TEST_CASE("a coroutine that is destroyed cancels a task that was destroyed before") {
    struct CancelAtExit {
        Task<void> task;
        ~CancelAtExit() { task.cancel(); }
    };
    struct Body {
        static Coroutine<void> sleep_and_cancel(Task<void> other) {
            CancelAtExit at_exit{other};
            co_await sleep(1h);
        }
    };
    EventLoop loop;
    auto reports = reports_of(loop);
    std::string log;
    Task<void> other = create_task(loop, sleep_long(log, 'x'));
    create_task(loop, Body::sleep_and_cancel(other));
    run_one_iteration(loop);
    loop.close();
    CHECK(reports->size() == 2);
    CHECK(log == "x");
}

TEST_CASE("an exception handler may start a task") {
    EventLoop loop;
    std::string log;
    loop.set_exception_handler(
        [&](const ExceptionContext&) { create_task(loop, append(log, 'A')); });
    create_task(loop,
                fail()); // is the only one, and its error is reported when it is destroyed
    while (log.empty()) {
        run_one_iteration(loop);
    }
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("a loop may run in one thread and be destroyed in another") {
    std::string log;
    {
        EventLoop loop;
        create_task(loop, append(log, 'A'));
        std::thread thread([&] {
            create_task(loop, append(log, 'B'));
            run_coroutine(loop, give(1));
        });
        thread.join();
        create_task(loop, append(log, 'C'));
        reports_of(loop);
    }
    CHECK(log == "AB");
}

TEST_CASE("sleeps side by side take as long as the longest") {
    struct Body {
        static Coroutine<void> sleep_three_times() {
            co_await gather(sleep(20ms), sleep(30ms), sleep(10ms));
        }
    };
    EventLoop loop;
    Clock::time_point start = Clock::now();
    std::string value = run_coroutine(loop, sleep(1ms, std::string("value")));
    CHECK(value == "value");
    run_coroutine(loop, Body::sleep_three_times());
    CHECK(Clock::now() - start >= 31ms);
    Task<void> negative = create_task(loop, sleep(-1s));
    run_one_iteration(loop);
    run_one_iteration(loop);
    CHECK(negative.done());
}

TEST_SUITE_END();
