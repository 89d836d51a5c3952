#include <task_group.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

struct Fixture {
    EventLoop loop;
    std::string log;
    int reports = 0;

    Fixture() {
        loop.set_exception_handler([this](const ExceptionContext&) { ++reports; });
    }
    // Runs it to its end; does not throw what it throws.
    Task<void> run(Coroutine<void> main) {
        Task<void> task = create_task(loop, std::move(main));
        run_until(
            loop, [&] { return task.done(); },
            "join() did not return: it waits for a task that was not cancelled");
        return task;
    }
    void let_tasks_run() {
        for (int i = 0; i < 10; ++i) {
            loop.stop();
            loop.run_forever();
        }
    }
};

Coroutine<int> give(std::string& log, int value) {
    co_await sleep(1ms);
    log += std::to_string(value);
    co_return value;
}

Coroutine<void> fail(std::string text) {
    co_await sleep(0ms);
    throw std::runtime_error(text);
}

// When it is cancelled it cleans up, which takes some iterations; then, perhaps, it fails.
Coroutine<void> hang(std::string& log, bool fails_at_end = false) {
    bool is_cancelled = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        is_cancelled = true;
    }
    if (is_cancelled) {
        co_await sleep(1ms);
        log += "cleaned up, ";
        if (fails_at_end) {
            throw std::runtime_error("clean-up failed");
        }
        throw CancelledError();
    }
}

// ---- what the tests run ----

Coroutine<void> wait_for_two(std::string& log) {
    TaskGroup group;
    Task<int> first = group.create_task(give(log, 1));
    Task<int> second = group.create_task(give(log, 2));
    co_await group.join();
    log += " joined " + std::to_string(first.result() + second.result());
}

Coroutine<void> join_nobody(std::string& log) {
    TaskGroup group;
    co_await group.join();
    log += "joined";
}

Coroutine<void> one_fails(std::string& log, bool fails_at_end) {
    TaskGroup group;
    group.create_task(hang(log, fails_at_end));
    group.create_task(fail("broken"));
    group.create_task(hang(log));
    try {
        co_await group.join();
    } catch (const std::runtime_error& error) {
        log += error.what();
    }
}

Coroutine<void> one_is_cancelled(std::string& log) {
    TaskGroup group;
    Task<void> first = group.create_task(hang(log));
    group.create_task(give(log, 1));
    co_await sleep(0ms);
    first.cancel();
    co_await group.join();
    log += " joined";
}

Coroutine<void> wait_in_join(std::string& log) {
    TaskGroup group;
    group.create_task(hang(log));
    group.create_task(hang(log));
    log += "begun, ";
    co_await group.join();
}

Coroutine<void> add_another(TaskGroup& group, std::string& log) {
    co_await sleep(0ms);
    group.create_task(give(log, 2));
}

Coroutine<void> grow(std::string& log) {
    TaskGroup group;
    group.create_task(add_another(group, log));
    co_await group.join();
    log += " joined";
}

Coroutine<void> add_too_late(std::string& log) {
    TaskGroup group;
    group.create_task(fail("broken"));
    try {
        co_await group.join();
    } catch (const std::runtime_error&) {
    }
    try {
        group.create_task(give(log, 1));
    } catch (const std::logic_error&) {
        log += "refused";
    }
}

Coroutine<void> leave_without_join(std::string& log) {
    TaskGroup group;
    group.create_task(hang(log));
    co_await sleep(0ms);
    throw std::runtime_error("left");
}

// Its group has a task that fails when it is cancelled. It handles that error, and goes on.
Coroutine<void> use_inner_group(std::string& log) {
    TaskGroup inner;
    inner.create_task(hang(log, true));
    try {
        co_await inner.join();
    } catch (const std::runtime_error& error) {
        log += error.what();
    }
    co_await sleep(1h); // the cancellation comes here
    log += ", went on";
}

Coroutine<void> group_in_group(std::string& log) {
    TaskGroup outer;
    outer.create_task(use_inner_group(log));
    outer.create_task(fail("broken"));
    try {
        co_await outer.join();
    } catch (const std::runtime_error& error) {
        log += std::string(", ") + error.what();
    }
}

} // namespace

TEST_CASE("join waits for all") {
    Fixture fixture;
    step("two tasks take a millisecond each");
    fixture.run(wait_for_two(fixture.log)).result();
    CHECK(fixture.log == "12 joined 3");
}

TEST_CASE("a group without tasks") {
    Fixture fixture;
    fixture.run(join_nobody(fixture.log)).result();
    CHECK(fixture.log == "joined");
}

TEST_CASE("an error cancels the others, and is thrown when they have ended") {
    Fixture fixture;
    step("one of three tasks fails; the others need a while to clean up");
    fixture.run(one_fails(fixture.log, false)).result();
    CHECK_MESSAGE(fixture.log == "cleaned up, cleaned up, broken",
                  "the error was thrown before the other tasks had ended");
    CHECK(fixture.reports == 0);
}

TEST_CASE("the first error counts") {
    Fixture fixture;
    step("one of three tasks fails; another one fails when it is cancelled");
    fixture.run(one_fails(fixture.log, true)).result();
    CHECK(fixture.log == "cleaned up, cleaned up, broken");
    fixture.let_tasks_run();
    CHECK(fixture.reports == 0);
}

TEST_CASE("a task that is cancelled is not an error") {
    Fixture fixture;
    step("one of two tasks is cancelled; the other one goes on");
    fixture.run(one_is_cancelled(fixture.log)).result();
    CHECK(fixture.log.find("joined") != std::string::npos);
    CHECK(fixture.log.find("1") != std::string::npos);
    CHECK(fixture.log.find("cleaned up") != std::string::npos);
}

TEST_CASE("who waits in join is cancelled") {
    Fixture fixture;
    Task<void> task = create_task(fixture.loop, wait_in_join(fixture.log));
    fixture.let_tasks_run();
    CHECK(fixture.log == "begun, ");
    step("two tasks hang; the one that waits for them is cancelled");
    task.cancel();
    fixture.let_tasks_run();
    run_until(fixture.loop, [&] { return task.done(); });
    CHECK(task.cancelled());
    CHECK_MESSAGE(fixture.log == "begun, cleaned up, cleaned up, ",
                  "who waits in join() was cancelled, and the tasks were left behind");
}

TEST_CASE("cancelled twice") {
    Fixture fixture;
    Task<void> task = create_task(fixture.loop, wait_in_join(fixture.log));
    fixture.let_tasks_run();
    step("who waits in join is cancelled, and again before the tasks have ended");
    task.cancel();
    fixture.loop.stop();
    fixture.loop.run_forever();
    task.cancel();
    run_until(fixture.loop, [&] { return task.done(); });
    CHECK(task.cancelled());
    CHECK(tasks_of(fixture.loop).empty()); // no task was left behind
}

TEST_CASE("a group inside a group does not swallow the cancellation") {
    Fixture fixture;
    step("a task of the outer group fails; one of the inner group fails when it is cancelled");
    fixture.run(group_in_group(fixture.log)).result();
    CHECK(fixture.log == "cleaned up, clean-up failed, broken");
}

TEST_CASE("a task adds another one") {
    Fixture fixture;
    fixture.run(grow(fixture.log)).result();
    CHECK(fixture.log == "2 joined");
}

TEST_CASE("no new task when one has failed") {
    Fixture fixture;
    fixture.run(add_too_late(fixture.log)).result();
    CHECK(fixture.log == "refused");
}

TEST_CASE("who leaves without join cancels the tasks") {
    Fixture fixture;
    step("an exception leaves the function that has the group");
    Task<void> task = fixture.run(leave_without_join(fixture.log));
    CHECK_THROWS_WITH_AS(task.result(), "left", std::runtime_error);
    run_until(fixture.loop, [&] { return tasks_of(fixture.loop).empty(); });
    CHECK(fixture.log == "cleaned up, ");
}
