#include <then.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <memory>
#include <stdexcept>
#include <string>

namespace {

// In the first turn the callbacks of `future` run, in the second those of the next, and so on.
void let_callbacks_run(EventLoop& loop) {
    for (int i = 0; i < 3; ++i) {
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
    }
}

std::string describe(int number) {
    return "number " + std::to_string(number);
}

} // namespace

TEST_CASE("the function gets the result") {
    EventLoop loop;
    Future<int> number(loop);
    Future<std::string> text = then(loop, number, describe);
    step("the first Future is pending, so the second is as well");
    let_callbacks_run(loop);
    CHECK(!text.done());
    step("the first gets the result 42");
    number.set_result(42);
    CHECK(!text.done()); // no function is called inside set_result
    let_callbacks_run(loop);
    REQUIRE(text.done());
    CHECK(text.result() == "number 42");
}

TEST_CASE("of a Future that is done already") {
    EventLoop loop;
    Future<int> number(loop);
    number.set_result(42);
    Future<std::string> text = then(loop, number, describe);
    let_callbacks_run(loop);
    REQUIRE(text.done());
    CHECK(text.result() == "number 42");
}

TEST_CASE("a chain, also of Futures without a value") {
    EventLoop loop;
    Future<void> start(loop);
    std::string log;
    Future<int> number = then(loop, start, [&log] {
        log += "A";
        return 1;
    });
    Future<void> end = then(loop, number, [&log](int& value) { log += std::to_string(value); });
    step("the first of three Futures gets its result");
    start.set_result();
    let_callbacks_run(loop);
    CHECK(end.done());
    CHECK(log == "A1");
}

TEST_CASE("a result that cannot be copied") {
    EventLoop loop;
    Future<std::unique_ptr<int>> source(loop);
    Future<std::unique_ptr<int>> next = then(loop, source, [](std::unique_ptr<int>& value) {
        return std::make_unique<int>(*value + 1);
    });
    source.set_result(std::make_unique<int>(41));
    let_callbacks_run(loop);
    REQUIRE(next.done());
    CHECK(*next.result() == 42);
}

TEST_CASE("an error passes by the function") {
    EventLoop loop;
    Future<int> number(loop);
    bool is_called = false;
    Future<int> next = then(loop, number, [&is_called](int value) {
        is_called = true;
        return value;
    });
    step("the first Future gets an exception");
    number.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
    let_callbacks_run(loop);
    REQUIRE_MESSAGE(next.done(), "the error of the first Future does not reach the second");
    CHECK_THROWS_WITH_AS(next.result(), "broken", std::runtime_error);
    CHECK(!is_called);
}

TEST_CASE("an error of the function") {
    EventLoop loop;
    Future<int> number(loop);
    Future<int> next = then(loop, number, [](int value) {
        if (value == 42) {
            throw std::runtime_error("broken");
        }
        return value;
    });
    step("the function throws");
    number.set_result(42);
    let_callbacks_run(loop);
    REQUIRE_MESSAGE(next.done(),
                    "what the function throws went to the loop, not to the Future");
    CHECK_THROWS_WITH_AS(next.result(), "broken", std::runtime_error);
}

TEST_CASE("nothing is left of a chain that is not wanted any more") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    {
        Future<int> number(loop);
        Future<int> next =
            then(loop, number, [captured](int value) { return value + *captured; });
        step("both Futures are dropped while they are pending");
    }
    let_callbacks_run(loop);
    CHECK_MESSAGE(captured.use_count() == 1,
                  "the first Future owns a callback that owns the first Future: neither is "
                  "ever destroyed");
}
