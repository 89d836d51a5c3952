#include <retry.hpp> // the exercise, or its solution

#include "run.hpp"

#include "support/testing/exercise_tests.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

// What has become of a coroutine.
struct Outcome {
    std::optional<int> value;
    std::exception_ptr error;
};

Coroutine<void> observe(Coroutine<int> coroutine, Outcome& outcome) {
    try {
        outcome.value = co_await coroutine;
    } catch (...) {
        outcome.error = std::current_exception();
    }
}

// Runs the coroutine to its end; returns what it returns, or throws what it throws.
int run_coroutine(EventLoop& loop, Coroutine<int> coroutine,
                  const char* if_not = "the coroutine has not ended") {
    struct AtEnd {
        ~AtEnd() { destroy_pending_tasks(); }
    };
    Outcome outcome;
    AtEnd at_end;
    create_task(observe(std::move(coroutine), outcome));
    run_until(
        loop, [&] { return outcome.value || outcome.error; }, if_not);
    if (outcome.error) {
        std::rethrow_exception(outcome.error);
    }
    return *outcome.value;
}

// Succeeds when it is called for the `enough`th time.
Coroutine<int> fail_at_first(EventLoop& loop, int& calls, int enough) {
    ++calls;
    co_await sleep(loop, 0ms);
    if (calls < enough) {
        throw std::runtime_error("failure " + std::to_string(calls));
    }
    co_return calls;
}

Coroutine<void> work(std::string& log) {
    log += "done";
    co_return;
}

Coroutine<int> throw_something_else(EventLoop& loop, int& calls) {
    ++calls;
    co_await sleep(loop, 0ms);
    throw 42;
}

} // namespace

TEST_CASE("it works at once") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(loop, calls, 1); };
    CHECK(run_coroutine(loop, retry(loop, attempt, 3, 1h)) == 1);
    CHECK(calls == 1);
}

TEST_CASE("a coroutine that returns nothing") {
    EventLoop loop;
    std::string log;
    auto attempt = [&] { return work(log); };
    run(loop, retry(loop, attempt, 3, 1h));
    CHECK(log == "done");
}

TEST_CASE("it works the third time, after two pauses") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(loop, calls, 3); };
    auto start = Clock::now();
    step("two failures, with a pause of 10 ms and one of 20 ms, then a success");
    CHECK(run_coroutine(loop, retry(loop, attempt, 5, 10ms)) == 3);
    CHECK(calls == 3);
    CHECK(Clock::now() - start >= 30ms);
}

TEST_CASE("it never works: the last error") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(loop, calls, 100); };
    step("three attempts are allowed, and all fail");
    CHECK_THROWS_AS(run_coroutine(loop, retry(loop, attempt, 3, 1ms)), std::runtime_error);
    CHECK_MESSAGE(calls == 3, "three attempts in all, the first one included");
}

TEST_CASE("no pause after the last attempt") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return fail_at_first(loop, calls, 100); };
    step("one attempt is allowed; the pause would be an hour");
    auto try_once = [&] {
        run_coroutine(loop, retry(loop, attempt, 1, 1h),
                      "there is no need to pause after the last attempt: no end");
    };
    CHECK_THROWS_WITH_AS(try_once(), "failure 1", std::runtime_error);
}

TEST_CASE("what is not a std::exception is not a failure") {
    EventLoop loop;
    int calls = 0;
    auto attempt = [&] { return throw_something_else(loop, calls); };
    CHECK_THROWS_AS(run_coroutine(loop, retry(loop, attempt, 3, 1ms)), int);
    CHECK_MESSAGE(calls == 1, "what is not a std::exception was tried again");
}
