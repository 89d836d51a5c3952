#include <first_of.hpp> // the exercise, or its solution

#include "async_socket.hpp" // sleep

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
    std::vector<Future<std::string>> futures = {
        Future<std::string>(loop), Future<std::string>(loop), Future<std::string>(loop)};

    // As many turns as it takes, and one more.
    void let_callbacks_run() {
        for (int i = 0; i < 3; ++i) {
            loop.call_soon([this] { loop.stop(); });
            loop.run_forever();
        }
    }
    void fail(std::size_t index, const std::string& text) {
        futures[index].set_exception(std::make_exception_ptr(std::runtime_error(text)));
    }
};

} // namespace

TEST_CASE("the first result wins") {
    Fixture fixture;
    Future<std::string> first = first_of(fixture.loop, fixture.futures);
    fixture.let_callbacks_run();
    CHECK(!first.done());
    step("the second of three gets a result");
    fixture.futures[1].set_result("two");
    CHECK(!first.done()); // no callback is called inside set_result
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == "two");
    CHECK(!fixture.futures[0].done());
    CHECK(!fixture.futures[2].done());
}

TEST_CASE("the others come too late") {
    Fixture fixture;
    Future<std::string> first = first_of(fixture.loop, fixture.futures);
    fixture.futures[1].set_result("two");
    fixture.let_callbacks_run();
    step("the second is done; then the first gets a result as well, and the third fails");
    fixture.futures[0].set_result("one");
    fixture.fail(2, "three");
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == "two");
    CHECK_MESSAGE(fixture.futures[0].result() == "one",
                  "a result that came too late was taken out of its Future");
    CHECK_THROWS_WITH_AS(fixture.futures[2].result(), "three", std::runtime_error);
}

TEST_CASE("two results in the same turn") {
    Fixture fixture;
    Future<std::string> first = first_of(fixture.loop, fixture.futures);
    step("the third gets a result, then the first, and only then the loop runs");
    fixture.futures[2].set_result("three");
    fixture.futures[0].set_result("one");
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK_MESSAGE(first.result() == "three",
                  "the third was done first, though it is the last in the list");
}

TEST_CASE("one is done already") {
    Fixture fixture;
    fixture.futures[2].set_result("three");
    Future<std::string> first = first_of(fixture.loop, fixture.futures);
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == "three");
}

TEST_CASE("an error counts, too") {
    Fixture fixture;
    Future<std::string> first = first_of(fixture.loop, fixture.futures);
    step("the first of three fails");
    fixture.fail(0, "refused");
    fixture.let_callbacks_run();
    REQUIRE_MESSAGE(first.done(), "one Future has failed, and first_of() waits on");
    CHECK_THROWS_WITH_AS(first.result(), "refused", std::runtime_error);
    step("the second gets a result, too late");
    fixture.futures[1].set_result("two");
    fixture.let_callbacks_run();
    CHECK_THROWS_WITH_AS(first.result(), "refused", std::runtime_error);
}

TEST_CASE("none at all") {
    EventLoop loop;
    CHECK_THROWS_AS(static_cast<void>(first_of(loop, std::vector<Future<int>>())),
                    std::invalid_argument);
}

TEST_CASE("the list need not live as long as the Futures") {
    Fixture fixture;
    Future<std::string> second = fixture.futures[1];
    Future<std::string> first = first_of(fixture.loop, fixture.futures);
    step("the list is emptied; the test still has one of the Futures");
    fixture.futures.clear();
    second.set_result("two");
    fixture.let_callbacks_run();
    REQUIRE(first.done());
    CHECK(first.result() == "two");
}

TEST_CASE("a race between two timers") {
    EventLoop loop;
    std::vector<Future<void>> timers = {sleep(loop, 1h), sleep(loop, 1ms)};
    step("one timer takes an hour, the other a millisecond");
    Future<void> first = first_of(loop, timers);
    run_until(loop, [&] { return first.done(); });
    CHECK(!timers[0].done());
    CHECK(timers[1].done());
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

TEST_CASE("nothing is left when the Futures are dropped") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    {
        std::vector<Future<void>> futures = {Future<void>(loop), Future<void>(loop)};
        Future<void> first = first_of(loop, futures);
        first.add_done_callback([captured](const Future<void>&) { ++*captured; });
        step("all Futures are dropped while they are pending");
    }
    CHECK_MESSAGE(captured.use_count() == 1, "the Futures own each other, and so live on");
}
