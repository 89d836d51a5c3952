#include <with_timeout.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;

namespace {

struct Fixture {
    EventLoop loop;
    int reports = 0;
    Future<int> future = Future<int>(loop);

    Fixture() {
        loop.set_exception_handler([this](const ExceptionContext&) { ++reports; });
    }
    void let_callbacks_run() {
        for (int i = 0; i < 3; ++i) {
            loop.stop();
            loop.run_forever();
        }
    }
};

} // namespace

TEST_CASE("a result in time") {
    Fixture fixture;
    Future<int> limited = with_timeout(fixture.future, 1h);
    fixture.let_callbacks_run();
    CHECK(!limited.done());
    step("the limit is an hour, and the result is there at once");
    fixture.future.set_result(42);
    fixture.let_callbacks_run();
    REQUIRE(limited.done());
    CHECK(limited.result() == 42);
}

TEST_CASE("no result in time") {
    Fixture fixture;
    auto start = Clock::now();
    Future<int> limited = with_timeout(fixture.future, 20ms);
    step("the limit is 20 ms, and no result comes");
    run_until(fixture.loop, [&] { return limited.done(); });
    CHECK(Clock::now() - start >= 20ms);
    CHECK_THROWS_AS(limited.result(), TimeoutError);
    CHECK_MESSAGE(fixture.future.cancelled(),
                  "no task waits for the source any more: cancel it");
    fixture.let_callbacks_run();
    CHECK(fixture.reports == 0);
}

TEST_CASE("an error is passed on") {
    Fixture fixture;
    Future<int> limited = with_timeout(fixture.future, 1h);
    fixture.future.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
    fixture.let_callbacks_run();
    REQUIRE(limited.done());
    CHECK_THROWS_WITH_AS(limited.result(), "broken", std::runtime_error);
}

TEST_CASE("the source is cancelled") {
    Fixture fixture;
    Future<int> limited = with_timeout(fixture.future, 1h);
    step("another task cancels the source: that is not a timeout");
    fixture.future.cancel();
    fixture.let_callbacks_run();
    CHECK(limited.cancelled());
}

TEST_CASE("the task that waits gives up") {
    Fixture fixture;
    Future<int> limited = with_timeout(fixture.future, 1h);
    step("the new Future is cancelled");
    limited.cancel();
    fixture.let_callbacks_run();
    CHECK(fixture.future.cancelled());
    CHECK(fixture.reports == 0);
}

TEST_CASE("a result that comes with the timeout wins") {
    Fixture fixture;
    Future<int> limited = with_timeout(fixture.future, 10ms);
    step("the limit is 10 ms; the loop is held up, and gets the result late");
    std::this_thread::sleep_for(20ms);
    fixture.future.set_result(42);
    fixture.let_callbacks_run();
    REQUIRE(limited.done());
    CHECK(limited.result() == 42);
    CHECK(fixture.reports == 0);
}

TEST_CASE("the result is set by a timer of the same moment") {
    Fixture fixture;
    step("at the same moment a timer sets the result and the limit has passed");
    fixture.loop.call_later(0ms, [&] { fixture.future.set_result(42); });
    Future<int> limited = with_timeout(fixture.future, 0ms);
    std::this_thread::sleep_for(1ms);
    run_until(fixture.loop, [&] { return limited.done(); });
    INFO("the result was there when the timer fired, and has to win");
    CHECK(limited.result() == 42);
    CHECK(fixture.reports == 0);
}

TEST_CASE("the timer goes with the Future") {
    Fixture fixture;
    std::weak_ptr<FutureState> limited;
    {
        Future<int> future(fixture.loop);
        Future<int> with_limit = with_timeout(future, 1h);
        limited = with_limit.state();
        step("the limit is an hour, and the result is there at once");
        future.set_result(42);
        fixture.let_callbacks_run();
    }
    step("an hour before the timer would fire, nothing is left of the Future");
    CHECK_MESSAGE(limited.expired(),
                  "the timer is still there: cancel it when it is not needed");
}
