// Cancelling a task: a request that reaches the innermost wait.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

Coroutine<int> catch_cancellation(Future<int> first, std::optional<Future<int>> second) {
    try {
        co_await first;
    } catch (const CancelledError&) {
        if (!second) {
            co_return 42;
        }
    }
    co_return co_await *second;
}

} // namespace

TEST_SUITE_BEGIN("Task");

TEST_CASE("cancel is a request that is fulfilled at the next step") {
    EventLoop loop;
    std::string log;
    Task<void> task = create_task(loop, sleep_long(log, 'x'));
    run_one_iteration(loop);
    CHECK(task.cancel());
    CHECK_FALSE(task.done());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(task.cancelled());
    CHECK_FALSE(task.cancel());
    CHECK(log == "x");
}

TEST_CASE("a task that is cancelled before it starts never starts") {
    EventLoop loop;
    std::string log;
    Task<void> task = create_task(loop, append(log, 'A'));
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(task.cancelled());
    CHECK(log == "");
}

TEST_CASE("a cancellation reaches the Future and passes through every level, innermost first") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> task = create_task(loop, wait_two_levels_down(future, log));
    run_one_iteration(loop);
    task.cancel();
    CHECK(future.cancelled());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(log == "io");
}

TEST_CASE("a task whose Future is cancelled by other code ends cancelled") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> task = create_task(loop, wait_for_it(future, log, 'x'));
    run_one_iteration(loop);
    future.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(task.cancelled());
}

TEST_CASE("a task may catch its cancellation") {
    EventLoop loop;
    Task<int> returns = create_task(loop, catch_cancellation(Future<int>(loop), std::nullopt));
    Future<int> second(loop);
    Task<int> goes_on = create_task(loop, catch_cancellation(Future<int>(loop), second));
    run_one_iteration(loop);
    returns.cancel();
    goes_on.cancel();
    CHECK(run_until_complete(loop, returns) == 42);
    CHECK_FALSE(returns.cancelled());
    run_one_iteration(loop);
    CHECK_FALSE(goes_on.done());
    second.set_result(7);
    CHECK(run_until_complete(loop, goes_on) == 7);
}

TEST_CASE("a task that is cancelled while it awaits another one cancels that one") {
    struct Body {
        static Coroutine<void> await(Task<void> task) { co_await task; }
    };
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> child = create_task(loop, wait_for_it(future, log, 'c'));
    Task<void> parent = create_task(loop, Body::await(child));
    run_one_iteration(loop);
    parent.cancel();
    CHECK(future.cancelled());
    CHECK_THROWS_AS(run_until_complete(loop, parent), CancelledError);
    CHECK(child.cancelled());
    CHECK(log == "c");
}

TEST_CASE("a task that cancels itself and then awaits another one cancels both") {
    struct Body {
        static Coroutine<void> run(std::optional<Task<void>>& myself, Task<void> child) {
            myself->cancel();
            co_await child;
        }
    };
    EventLoop loop;
    std::string log;
    Task<void> child = create_task(loop, sleep_long(log, 'c'));
    std::optional<Task<void>> parent;
    parent = create_task(loop, Body::run(parent, child));
    CHECK_THROWS_AS(run_until_complete(loop, *parent), CancelledError);
    CHECK(child.cancelled());
    CHECK(log == "c");
}

TEST_CASE("uncancel takes back a request that no await has delivered yet") {
    struct Body {
        static Coroutine<void> run(std::optional<Task<void>>& myself, bool takes_back) {
            myself->cancel();
            if (takes_back) {
                TaskBase::current()->uncancel();
            }
            co_await sleep(0s);
        }
    };
    EventLoop loop;
    std::optional<Task<void>> task;
    task = create_task(loop, Body::run(task, true));
    run_until_complete(loop, *task);
    CHECK_FALSE(task->cancelled());
    task = create_task(loop, Body::run(task, false));
    CHECK_THROWS_AS(run_until_complete(loop, *task), CancelledError);
}

TEST_CASE("cancelling a sleep cancels its timer") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    struct Body {
        static Coroutine<void> sleep_with(std::shared_ptr<int>) { co_await sleep(1h); }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 500; ++i) {
        tasks.push_back(create_task(loop, Body::sleep_with(captured)));
    }
    run_one_iteration(loop);
    for (const Task<void>& task : tasks) {
        task.cancel();
    }
    tasks.clear();
    run_coroutine(loop, give(1));
    CHECK(captured.use_count() == 1);
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("a cancellation is not lost when the awaited Future is done in the same iteration") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> task = create_task(loop, wait_for_it(future, log, 'x'));
    run_one_iteration(loop);
    future.set_result(1); // the task is going to be resumed
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
}

TEST_CASE("a task is cancelled before its first step ends, or by itself at its very end") {
    struct Body {
        static Coroutine<void> cancel_and_end(std::optional<Task<void>>& myself) {
            myself->cancel();
            co_return;
        }
    };
    EventLoop loop;
    Task<int> task = create_task(loop, give(1));
    run_one_iteration(loop);
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    std::optional<Task<void>> at_end;
    at_end = create_task(loop, Body::cancel_and_end(at_end));
    CHECK_THROWS_AS(run_until_complete(loop, *at_end), CancelledError);
}

TEST_CASE("an error that comes after a cancellation is not lost") {
    struct Body {
        static Coroutine<void> cancel_and_throw(std::optional<Task<void>>& myself) {
            myself->cancel();
            throw std::runtime_error("broken");
            co_return;
        }
    };
    EventLoop loop;
    std::optional<Task<void>> task;
    task = create_task(loop, Body::cancel_and_throw(task));
    CHECK_THROWS_WITH(run_until_complete(loop, *task), "broken");
}

TEST_SUITE_END();
