#include <first_of.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct Fixture {
    EventLoop loop;
    int reports = 0;
    std::vector<Future<int>> futures = {Future<int>(loop), Future<int>(loop),
                                        Future<int>(loop)};

    Fixture() {
        loop.set_exception_handler([this](const ExceptionContext&) { ++reports; });
    }
    void let_callbacks_run() {
        for (int i = 0; i < 3; ++i) {
            loop.stop();
            loop.run_forever();
        }
    }
    void fail(std::size_t index, const std::string& text) {
        futures[index].set_exception(std::make_exception_ptr(std::runtime_error(text)));
    }
};

} // namespace

TEST_CASE("the first result wins, and the others are cancelled") {
    Fixture fixture;
    Future<int> first = first_of(fixture.loop, fixture.futures);
    fixture.let_callbacks_run();
    CHECK(!first.done());
    step("the second of three gets a result");
    fixture.futures[1].set_result(42);
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == 42);
    CHECK_MESSAGE(fixture.futures[0].cancelled(),
                  "the others run on, though nobody wants them");
    CHECK(fixture.futures[2].cancelled());
}

TEST_CASE("two results in the same iteration") {
    Fixture fixture;
    Future<int> first = first_of(fixture.loop, fixture.futures);
    step("the third gets a result, then the first");
    fixture.futures[2].set_result(3);
    fixture.futures[0].set_result(1);
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == 3);
    CHECK(fixture.futures[1].cancelled());
    CHECK(fixture.reports == 0);
}

TEST_CASE("an error in the same iteration as the result") {
    Fixture fixture;
    Future<int> first = first_of(fixture.loop, fixture.futures);
    step("the first gets a result, the second fails: nobody has to be told");
    fixture.futures[0].set_result(1);
    fixture.fail(1, "too late");
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == 1);
    fixture.futures.clear();
    CHECK(fixture.reports == 0);
}

TEST_CASE("one is done already") {
    Fixture fixture;
    fixture.futures[0].set_result(1);
    Future<int> first = first_of(fixture.loop, fixture.futures);
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == 1);
    CHECK(fixture.futures[1].cancelled());
}

TEST_CASE("an error is not a result") {
    Fixture fixture;
    Future<int> first = first_of(fixture.loop, fixture.futures);
    step("the first fails, the second is cancelled");
    fixture.fail(0, "refused");
    fixture.futures[1].cancel();
    fixture.let_callbacks_run();
    CHECK_MESSAGE(!first.done(), "an error is not a result: another Future may still have one");
    CHECK(!fixture.futures[2].done());
    step("the third gets a result");
    fixture.futures[2].set_result(42);
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == 42);
    step("nobody has to be told of the error");
    fixture.futures.clear();
    CHECK(fixture.reports == 0);
}

TEST_CASE("all fail: the last error") {
    Fixture fixture;
    Future<int> first = first_of(fixture.loop, fixture.futures);
    step("the second fails, then the third, then the first");
    fixture.fail(1, "two");
    fixture.fail(2, "three");
    fixture.fail(0, "one");
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK_THROWS_WITH_AS(first.result(), "one", std::runtime_error);
    fixture.futures.clear();
    CHECK(fixture.reports == 0);
}

TEST_CASE("all are cancelled") {
    Fixture fixture;
    Future<int> first = first_of(fixture.loop, fixture.futures);
    for (const Future<int>& future : fixture.futures) {
        future.cancel();
    }
    fixture.let_callbacks_run();
    CHECK(first.cancelled());
}

TEST_CASE("nobody wants the first any more") {
    Fixture fixture;
    Future<int> first = first_of(fixture.loop, fixture.futures);
    step("first_of() is cancelled");
    first.cancel();
    fixture.let_callbacks_run();
    for (const Future<int>& future : fixture.futures) {
        CHECK_MESSAGE(future.cancelled(), "first_of() was cancelled, and the others run on");
    }
    CHECK(fixture.reports == 0);
}

TEST_CASE("none at all") {
    EventLoop loop;
    CHECK_THROWS_AS(static_cast<void>(first_of(loop, std::vector<Future<int>>())),
                    std::invalid_argument);
}

TEST_CASE("a race between two timers") {
    EventLoop loop;
    std::vector<Future<void>> timers = {sleep(loop, 1h), sleep(loop, 1ms)};
    step("one timer takes an hour, the other a millisecond");
    run_until_complete(loop, first_of(loop, timers));
    run_until(loop, [&] { return timers[0].done(); });
    CHECK(timers[0].cancelled());
    CHECK(!timers[1].cancelled());
}

TEST_CASE("a result that cannot be copied") {
    EventLoop loop;
    std::vector<Future<std::unique_ptr<int>>> futures;
    futures.emplace_back(loop);
    Future<std::unique_ptr<int>> first = first_of(loop, futures);
    futures[0].set_result(std::make_unique<int>(42));
    run_until(loop, [&] { return first.done(); });
    CHECK(*first.result() == 42);
}
