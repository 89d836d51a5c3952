#include <call_every.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;

TEST_CASE("the next call is planned from the planned time") {
    Clock::time_point planned(1h);
    step("the period is 10 ms, and the call came 3 ms late");
    CHECK(next_call(planned, 10ms, planned + 3ms) == planned + 10ms);
    step("the call came in time");
    CHECK(next_call(planned, 10ms, planned) == planned + 10ms);
}

TEST_CASE("calls that were missed are dropped") {
    Clock::time_point planned(1h);
    step("the period is 10 ms, and the call came 35 ms late");
    CHECK_MESSAGE(next_call(planned, 10ms, planned + 35ms) == planned + 40ms,
                  "calls that were missed are not made up for");
    step("exactly 30 ms late: the next call is later than now");
    CHECK(next_call(planned, 10ms, planned + 30ms) == planned + 40ms);
    step("a day late");
    CHECK(next_call(planned, 1ns, planned + 24h) == planned + 24h + 1ns);
}

TEST_CASE("it calls again and again, and never too early") {
    EventLoop loop;
    int calls = 0;
    bool was_too_early = false;
    Clock::time_point start = Clock::now();
    step("a timer of 5 ms is to call five times");
    PeriodicTimer timer(loop, 5ms, [&] {
        ++calls;
        was_too_early = was_too_early || Clock::now() < start + calls * 5ms;
    });
    run_until(loop, [&] { return calls >= 5; });
    CHECK(!was_too_early);
}

TEST_CASE("a call that came late does not delay the next one") {
    constexpr auto PERIOD = 50ms;
    for (int attempt = 0; attempt < 20; ++attempt) {
        EventLoop loop;
        int calls = 0;
        bool is_checked = false;
        bool was_in_time = false;
        Clock::time_point start = Clock::now();
        PeriodicTimer timer(loop, PERIOD, [&] {
            Clock::time_point now = Clock::now();
            Clock::time_point planned = start + (now - start) / PERIOD * PERIOD;
            if (++calls == 1 && now - planned > 10ms && now - planned < 40ms) {
                // Halfway between where the next call belongs and where it is if it is late,
                // too.
                loop.call_later(planned + PERIOD + (now - planned) / 2 - Clock::now(), [&] {
                    is_checked = true;
                    was_in_time = calls == 2;
                });
            }
        });
        step("a timer of 50 ms; the loop is held up for 75 ms, so the first call comes late");
        std::this_thread::sleep_for(75ms);
        run_until(loop, [&] { return calls >= 3; });
        if (is_checked) {
            CHECK_MESSAGE(was_in_time,
                          "the clock drifts: each call plans from the time that the "
                          "last one really came");
            return;
        }
        step("this machine was too slow for that; once more");
    }
    FAIL("no call comes between 10 and 40 ms late");
}

TEST_CASE("no call after stop()") {
    EventLoop loop;
    int calls = 0;
    PeriodicTimer timer(loop, 1ms, [&] { ++calls; });
    run_until(loop, [&] { return calls >= 2; });
    step("after two calls it is stopped, twice");
    timer.stop();
    timer.stop();
    int calls_before = calls;
    bool is_over = false;
    loop.call_later(20ms, [&] { is_over = true; });
    run_until(loop, [&] { return is_over; });
    CHECK_MESSAGE(calls == calls_before, "the loop still had a call to make, and has made it");
}

TEST_CASE("the callback may stop the timer") {
    EventLoop loop;
    int calls = 0;
    std::optional<PeriodicTimer> timer;
    step("the callback calls stop() when it is called for the third time");
    timer.emplace(loop, 1ms, [&] {
        if (++calls == 3) {
            timer->stop();
        }
    });
    bool is_over = false;
    loop.call_later(30ms, [&] { is_over = true; });
    run_until(loop, [&] { return is_over && calls >= 3; });
    CHECK(calls == 3);
}

TEST_CASE("the callback may destroy the timer") {
    EventLoop loop;
    auto result = std::make_shared<int>(0);
    auto timer = std::make_shared<std::unique_ptr<PeriodicTimer>>();
    step("the callback destroys the timer, and then uses what it has captured");
    *timer = std::make_unique<PeriodicTimer>(loop, 1ms, [result, &timer] {
        timer->reset();
        *result = 42;
    });
    bool is_over = false;
    loop.call_later(20ms, [&] { is_over = true; });
    run_until(loop, [&] { return is_over && *result != 0; });
    CHECK(*result == 42);
    CHECK(result.use_count() == 1);
}

TEST_CASE("a timer that is destroyed calls no more") {
    EventLoop loop;
    int calls = 0;
    {
        step("a timer is made and destroyed before its first call");
        PeriodicTimer timer(loop, 1ms, [&] { ++calls; });
    }
    bool is_over = false;
    loop.call_later(20ms, [&] { is_over = true; });
    run_until(loop, [&] { return is_over; });
    CHECK(calls == 0);
}

TEST_CASE("an exception does not stop it") {
    EventLoop loop;
    int calls = 0;
    step("the callback throws each time");
    PeriodicTimer timer(loop, 1ms, [&] {
        ++calls;
        throw std::runtime_error("broken");
    });
    run_until(
        loop, [&] { return calls >= 3; }, "the exception has stopped the timer: no other call");
    CHECK(calls >= 3);
}
