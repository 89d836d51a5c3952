// What a Handle does with its callback, and how a delay is rounded.
#include "event_loop.hpp"
#include "handle.hpp"

#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("Handle");

TEST_CASE("a cancelled callback does not run") {
    EventLoop loop;
    bool has_run = false;
    Handle handle = loop.call_soon([&] { has_run = true; });
    CHECK_FALSE(handle.cancelled());
    handle.cancel();
    handle.cancel();
    run_one_iteration(loop);
    CHECK_FALSE(has_run);
    CHECK(handle.cancelled());
}

TEST_CASE("a callback can cancel a later one of the same iteration") {
    EventLoop loop;
    bool has_run = false;
    std::vector<Handle> later;
    loop.call_soon([&] { later.front().cancel(); });
    later.push_back(loop.call_soon([&] { has_run = true; }));
    run_one_iteration(loop);
    CHECK_FALSE(has_run);
}

TEST_CASE("a cancelled timer releases at once what it has captured") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    Handle timer = loop.call_later(1h, [captured] {});
    CHECK(captured.use_count() == 2);
    timer.cancel();
    CHECK(captured.use_count() == 1);
    run_one_iteration(loop);
}

TEST_CASE("a cancelled timer that is still in the heap does not run") {
    EventLoop loop;
    bool has_run = false;
    Handle timer = loop.call_later(1ms, [&] { has_run = true; });
    loop.call_later(5ms, [&] { loop.stop(); });
    timer.cancel();
    loop.run_forever();
    CHECK_FALSE(has_run);
}

TEST_CASE("a delay that is not a number is refused") {
    EventLoop loop;
    Delay nan(std::numeric_limits<double>::quiet_NaN());
    CHECK_THROWS_AS(loop.call_later(nan, [] {}), std::invalid_argument);
    CHECK_THROWS_AS(sleep(loop, -nan).done(), std::invalid_argument);
}

TEST_CASE("a delay is rounded up to the clock, and a hundred years are the longest") {
    CHECK(to_clock(Delay(1e-12)) == Clock::duration(1));
    CHECK(to_clock(Delay(-1e-12)) == Clock::duration(0));
    CHECK(to_clock(1ms) == Clock::duration(1ms));
    constexpr auto HUNDRED_YEARS = std::chrono::hours(100 * 365 * 24);
    CHECK(to_clock(4 * HUNDRED_YEARS) == Clock::duration(HUNDRED_YEARS));
    CHECK(to_clock(-4 * HUNDRED_YEARS) == -Clock::duration(HUNDRED_YEARS));
}

TEST_CASE("each callback has a name, by what it waits for") {
    CHECK(to_text({}) == "a callback of call_soon");
    CHECK(to_text({Origin::Kind::TIMER, 0}) == "a timer");
    CHECK(to_text({Origin::Kind::READER, 7}) == "the reader of descriptor 7");
    CHECK(to_text({Origin::Kind::WRITER, 7}) == "the writer of descriptor 7");
    CHECK(to_text({Origin::Kind::SIGNAL, 2}) == "the handler of signal 2");
}

TEST_SUITE_END();
