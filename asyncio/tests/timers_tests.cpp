// The heap of timers, by itself and in a loop.
#include "event_loop.hpp"
#include "timers.hpp"

#include "tests/testing.hpp"

#include "common/selector.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("Timers");

TEST_CASE("call_later runs once and not too early") {
    EventLoop loop;
    Clock::time_point start = loop.time();
    Clock::time_point when;
    int count = 0;
    loop.call_later(50ms, [&] {
        when = loop.time();
        ++count;
        loop.stop();
    });
    loop.run_forever();
    CHECK(when - start >= 50ms);
    run_one_iteration(loop);
    CHECK(count == 1);
}

TEST_CASE("timers run in the order of their deadlines, overdue ones in the first iteration") {
    EventLoop loop;
    std::string log;
    Clock::time_point now = loop.time(); // for all of them: a slow machine must not mix them up
    auto add = [&](std::chrono::nanoseconds delay, char name) {
        loop.call_at(now + delay, [&log, name] { log += name; });
    };
    add(30ms, '5');
    add(10ms, '3');
    add(20ms, '4');
    add(-1s, '2');
    add(-2s, '1');
    run_one_iteration(loop);
    CHECK(log.starts_with("12"));
    run_until(loop, [&] { return log.size() == 5; });
    CHECK(log == "12345");
}

TEST_CASE("timers for the same moment run in the order of insertion") {
    EventLoop loop;
    std::vector<int> log;
    Clock::time_point when = loop.time() + 1ms;
    std::vector<int> expected;
    for (int i = 0; i < 100; ++i) {
        loop.call_at(when, [&log, i] { log.push_back(i); });
        expected.push_back(i);
    }
    run_until(loop, [&] { return log.size() == 100; });
    CHECK(log == expected);
}

TEST_CASE("cancelled timers are thrown out once there are many") {
    Timers timers;
    timers.add(Clock::now() + 1h, [] {});
    for (int i = 0; i < 500; ++i) {
        timers.add(Clock::now() + 1h, [] {}).cancel();
    }
    CHECK(timers.size() == 501);
    timers.next(); // what every iteration asks
    CHECK(timers.size() == 1);
}

TEST_CASE("setting and cancelling timers keeps the heap small") {
    Timers timers;
    timers.add(Clock::now() + 1h, [] {});
    std::size_t largest = 0;
    for (int i = 0; i < 10'000; ++i) {
        timers.add(Clock::now() + 1h, [] {}).cancel();
        timers.next();
        largest = std::max(largest, timers.size());
    }
    CHECK(largest < 250);
}

TEST_CASE("a cancelled timer at the front does not wake the loop") {
    Timers timers;
    timers.add(Clock::now() + 1h, [] {}).cancel();
    Clock::time_point when = Clock::now() + 2h;
    timers.add(when, [] {});
    CHECK(timers.next() == when);
    CHECK(timers.size() == 1);
}

TEST_CASE("short timeouts are rounded up and do not make the loop spin") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        int polls = 0;
        EventLoop loop(std::make_unique<CountingSelector>(polls, make_selector(name)));
        std::vector<std::chrono::nanoseconds> delays = {10ms, 100us, 1us, 10ns, 1ns, 0ns};
        std::function<void()> sleep_in_turn = [&] {
            if (delays.empty()) {
                loop.stop();
                return;
            }
            loop.call_later(delays.back(), sleep_in_turn);
            delays.pop_back();
        };
        sleep_in_turn();
        loop.run_forever();
        CHECK(polls <= 20);
    }
}

TEST_CASE("a timer of 400 years does not run at once") {
    EventLoop loop;
    bool has_run = false;
    loop.call_later(std::chrono::hours(400 * 365 * 24), [&] { has_run = true; });
    run_one_iteration(loop);
    CHECK_FALSE(has_run);
    loop.call_later(-std::chrono::hours(400 * 365 * 24), [&] { loop.stop(); });
    loop.run_forever(); // returns
    CHECK_FALSE(has_run);
}

TEST_SUITE_END();
