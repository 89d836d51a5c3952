// A loop in a thread of its own.
#include "loop_thread.hpp"

#include "tests/testing.hpp"

#include "common/selector.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

Coroutine<void> note_thread(std::thread::id& id) {
    id = std::this_thread::get_id();
    co_return;
}

Coroutine<void> wait_in_other_thread(std::thread::id& id) {
    LoopThread other(make_default_selector(), [&id](EventLoop&) { return note_thread(id); });
    co_await other.ended();
}

Coroutine<void> fail() {
    co_await sleep(Delay(0));
    throw std::runtime_error("no");
}

Coroutine<void> wait_for_failure() {
    LoopThread other(make_default_selector(), [](EventLoop&) { return fail(); });
    co_await other.ended();
}

// Does not end on its own; notes that it is cancelled.
Coroutine<void> sleep_long(std::string& log, std::promise<void>* asleep) {
    try {
        if (asleep != nullptr) {
            asleep->set_value();
        }
        co_await sleep(std::chrono::hours(1));
    } catch (const CancelledError&) {
        log += "cancelled ";
        throw;
    }
}

Coroutine<void> start_two(std::string& log, std::promise<void>& asleep) {
    create_task(sleep_long(log, &asleep)); // starts when we sleep
    co_await sleep_long(log, nullptr);
}

Coroutine<void> leave_when_both_sleep(std::string& log) {
    std::promise<void> asleep;
    LoopThread other(make_default_selector(),
                     [&](EventLoop&) { return start_two(log, asleep); });
    asleep.get_future().wait();
    co_return;
}

// The Future was cancelled when the other thread comes to its end.
Coroutine<void> cancel_ended() {
    {
        LoopThread other(make_default_selector(), [](EventLoop&) { return fail(); });
        other.ended().cancel();
    }
    co_await sleep(Delay(0)); // the loop hears of the end
}

} // namespace

TEST_SUITE_BEGIN("LoopThread");

TEST_CASE("the coroutine runs in another thread, and we are told of its end") {
    EventLoop loop;
    std::thread::id id;
    run_coroutine(loop, wait_in_other_thread(id));
    CHECK(id != std::thread::id());
    CHECK(id != std::this_thread::get_id());
}

TEST_CASE("what the coroutine throws comes out of ended()") {
    EventLoop loop;
    CHECK_THROWS_WITH(run_coroutine(loop, wait_for_failure()), "no");
}

TEST_CASE("the destructor cancels all tasks of the other loop and waits for them") {
    EventLoop loop;
    std::string log;
    run_coroutine(loop, leave_when_both_sleep(log));
    CHECK(log == "cancelled cancelled ");
}

TEST_CASE("an end that no task waits for any more is no error") {
    EventLoop loop;
    std::string errors;
    loop.set_exception_handler(
        [&errors](const ExceptionContext& context) { errors += context.message; });
    run_coroutine(loop, cancel_ended());
    CHECK(errors == "");
}

TEST_SUITE_END();
