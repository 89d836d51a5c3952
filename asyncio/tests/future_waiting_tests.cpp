// run_until_complete, and sleep as a Future.
#include "event_loop.hpp"
#include "future.hpp"

#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("Future");

TEST_CASE("run_until_complete returns the value or throws, and the loop can go on") {
    EventLoop loop;
    Future<int> future(loop);
    loop.call_soon([&] { future.set_result(42); });
    CHECK(run_until_complete(loop, future) == 42);
    CHECK(run_until_complete(loop, future) == 42); // done already
    Future<void> broken(loop);
    loop.call_soon([&] { broken.set_exception(error("broken")); });
    CHECK_THROWS_WITH(run_until_complete(loop, broken), "broken");
    CHECK_FALSE(loop.is_running());
    run_until_complete(loop, sleep(loop, 1ms));
}

TEST_CASE("run_until_complete throws when the loop is stopped before") {
    EventLoop loop;
    Future<int> future(loop);
    loop.call_soon([&] { loop.stop(); });
    CHECK_THROWS_AS(run_until_complete(loop, future), std::runtime_error);
    CHECK_FALSE(future.done());
    loop.call_later(1ms, [&] { future.set_result(42); });
    CHECK(run_until_complete(loop, future) == 42);
}

TEST_CASE("a run_until_complete that has ended does not stop the loop any more") {
    EventLoop loop;
    Future<int> future(loop);
    loop.call_soon([&] { loop.stop(); });
    CHECK_THROWS_AS(run_until_complete(loop, future), std::runtime_error);
    future.set_result(42);
    run_until_complete(loop, sleep(loop, 1ms)); // was not stopped in between
}

TEST_CASE("a run_until_complete that was stopped leaves no callback in the Future") {
    EventLoop loop;
    Future<int> future(loop);
    std::size_t first = future.add_done_callback([](Future<int>) {});
    loop.stop();
    CHECK_THROWS_AS(run_until_complete(loop, future), std::runtime_error);
    // Numbers are given in order, so this was the number of the callback that it had added.
    CHECK_FALSE(future.remove_done_callback(first + 1));
}

TEST_CASE("a nested run_until_complete throws, and leaves nothing behind that stops the loop") {
    EventLoop loop;
    Future<void> future(loop);
    bool has_gone_on = false;
    loop.call_soon([&] {
        CHECK_THROWS_AS(run_until_complete(loop, future), std::runtime_error);
        future.set_result();
        loop.call_later(5ms, [&] {
            has_gone_on = true;
            loop.stop();
        });
    });
    loop.run_forever();
    CHECK(has_gone_on);
}

TEST_CASE("sleep is done when its time has come, and cancelling it cancels the timer") {
    EventLoop loop;
    Clock::time_point start = loop.time();
    run_until_complete(loop, sleep(loop, 10ms));
    CHECK(loop.time() - start >= 10ms);
    std::weak_ptr<FutureState> state;
    {
        Future<void> cancelled = sleep(loop, 1h);
        state = cancelled.state();
        cancelled.cancel();
    }
    CHECK(!state.expired());
    run_one_iteration(loop);
    CHECK(state.expired()); // no timer keeps it
}

TEST_CASE("a sleep may be cancelled in the iteration in which it is due") {
    EventLoop loop;
    auto reports = reports_of(loop);
    Future<void> woken(loop);
    loop.call_later(1ms, [&woken] { woken.cancel(); });
    woken = sleep(loop, 1ms);
    while (!woken.done()) {
        compute_for(5ms); // both timers become due in one iteration
        run_one_iteration(loop);
    }
    run_one_iteration(loop);
    CHECK(woken.cancelled());
    CHECK(reports->empty());
}

TEST_CASE("a pending sleep does not leak when its loop is closed") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    sleep(loop, 1h).add_done_callback([captured](Future<void>) {});
    CHECK(captured.use_count() == 2);
    loop.close();
    CHECK(captured.use_count() == 1);
}

TEST_CASE("a sleep of 400 years does not end at once") {
    EventLoop loop;
    Future<void> sleeping = sleep(loop, std::chrono::hours(400 * 365 * 24));
    run_one_iteration(loop);
    CHECK_FALSE(sleeping.done());
}

TEST_SUITE_END();
