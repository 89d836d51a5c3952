#include <retry.hpp> // the exercise, or its solution

#include "timeout.hpp"

#include "support/testing/exercise_tests.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

template <typename T>
T run_coroutine(EventLoop& loop, Coroutine<T> coroutine) {
    return run_until_complete(loop,
                              static_cast<Future<T>>(create_task(loop, std::move(coroutine))));
}

// Succeeds when it is called for the `enough`th time.
Coroutine<int> fail_at_first(int& calls, int enough) {
    ++calls;
    co_await sleep(0ms);
    if (calls < enough) {
        throw std::runtime_error("failure " + std::to_string(calls));
    }
    co_return calls;
}

Coroutine<void> work(std::string& log) {
    log += "done";
    co_return;
}

Coroutine<int> hang(int& calls) {
    ++calls;
    co_await sleep(1h);
    co_return 0;
}

Coroutine<int> throw_something_else(int& calls) {
    ++calls;
    co_await sleep(0ms);
    throw 42;
}

} // namespace

TEST_CASE("it works at once") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(calls, 1); };
    CHECK(run_coroutine(loop, retry(attempt, 3, 1h)) == 1);
    CHECK(calls == 1);
}

TEST_CASE("a coroutine that returns nothing") {
    EventLoop loop;
    std::string log;
    auto attempt = [&] { return work(log); };
    run_coroutine(loop, retry(attempt, 3, 1h));
    CHECK(log == "done");
}

TEST_CASE("it works the third time, after two pauses") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(calls, 3); };
    auto start = Clock::now();
    step("two failures, with a pause of 10 ms and one of 20 ms, then a success");
    CHECK(run_coroutine(loop, retry(attempt, 5, 10ms)) == 3);
    CHECK(calls == 3);
    CHECK(Clock::now() - start >= 30ms);
}

TEST_CASE("it never works: the last error") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(calls, 100); };
    step("three attempts are allowed, and all fail");
    CHECK_THROWS_AS(run_coroutine(loop, retry(attempt, 3, 1ms)), std::runtime_error);
    CHECK_MESSAGE(calls == 3, "three attempts in all, the first one included");
}

TEST_CASE("no pause after the last attempt") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(calls, 100); };
    std::optional<Task<int>> task;
    step("one attempt is allowed; the pause would be an hour");
    task.emplace(create_task(loop, retry(attempt, 1, 1h)));
    run_until(
        loop, [&] { return task->done(); }, "there is no need to pause after the last attempt");
    CHECK_THROWS_WITH_AS(task->result(), "failure 1", std::runtime_error);
}

TEST_CASE("cancelled during an attempt") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return hang(calls); };
    Task<int> task = create_task(loop, retry(attempt, 3, 1ms));
    run_until(loop, [&] { return calls == 1; });
    step("the first attempt hangs, and the task is cancelled");
    task.cancel();
    run_until(
        loop, [&] { return task.done(); },
        "the task was cancelled and tried again: it cannot be stopped");
    CHECK(task.cancelled());
    CHECK(calls == 1);
}

TEST_CASE("cancelled during a pause") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(calls, 100); };
    step("the pause is an hour, but wait_for gives it 20 ms");
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(retry(attempt, 3, 1h), 20ms)), TimeoutError);
    CHECK(calls == 1);
}

TEST_CASE("what is not a std::exception is not a failure") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return throw_something_else(calls); };
    CHECK_THROWS_AS(run_coroutine(loop, retry(attempt, 3, 1ms)), int);
    CHECK(calls == 1);
}
