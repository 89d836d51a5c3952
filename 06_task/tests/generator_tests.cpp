// What a Generator guarantees, and what the lessons on it print.
#include "generator.hpp"

#include "support/testing/server_process.hpp"
#include "support/testing/unit_tests.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

std::exception_ptr error(const std::string& text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

Generator<int> count_to(int limit) {
    for (int i = 1; i <= limit; ++i) {
        co_yield i;
    }
}
Generator<std::string, std::string, std::string> converse() {
    std::string first = co_yield "hello";
    std::string second = co_yield "got " + first;
    co_return first + second;
}
Generator<int> fail_after(int value) {
    co_yield value;
    throw std::runtime_error("broken");
}
Generator<int> catch_what_is_thrown_in(std::string& log) {
    Witness witness{log, 'W'};
    try {
        co_yield 1;
    } catch (const std::runtime_error& thrown) {
        log += thrown.what();
    }
    co_yield 2;
}
Generator<int> delegate(Generator<int> sub, std::string& log) {
    Witness witness{log, 'D'};
    try {
        co_yield elements_of(std::move(sub));
    } catch (const std::runtime_error& thrown) {
        log += thrown.what();
    }
    co_yield 3;
}
Generator<int> nest(int depth) {
    if (depth > 0) {
        co_yield elements_of(nest(depth - 1));
    }
    co_yield depth;
}

} // namespace

TEST_SUITE_BEGIN("generator.hpp");

TEST_CASE("a generator runs when it is asked, and stops at each co_yield") {
    std::string log;
    auto body = [&]() -> Generator<int> {
        log += "A";
        co_yield 1;
        log += "B";
        co_yield 2;
        log += "C";
    };
    Generator<int> numbers = body();
    CHECK(log == "");
    CHECK(numbers.next() == 1);
    CHECK(log == "A");
    CHECK(numbers.next() == 2);
    CHECK_FALSE(numbers.done());
    CHECK(numbers.next() == std::nullopt);
    CHECK(numbers.done());
    CHECK(numbers.next() == std::nullopt);
    CHECK(log == "ABC");
}

TEST_CASE("what send passes in is the value of the co_yield, but not before the first one") {
    auto generator = converse();
    CHECK_THROWS_AS(generator.send("too early"), std::logic_error);
    CHECK(generator.next() == "hello");
    CHECK(generator.send("world") == "got world");
    CHECK(generator.send("!") == std::nullopt);
    CHECK(std::move(generator).result() == "world!");
}

TEST_CASE("values that can only be moved are yielded, sent and returned") {
    using Number = std::unique_ptr<int>;
    auto body = [](Number first) -> Generator<Number, Number, Number> {
        Number second = co_yield std::move(first);
        co_return second;
    };
    auto generator = body(std::make_unique<int>(1));
    CHECK(*generator.next().value() == 1);
    CHECK_FALSE(generator.send(std::make_unique<int>(2)).has_value());
    CHECK(*std::move(generator).result() == 2);
}

TEST_CASE("yielded, sent and returned values pass through elements_of") {
    std::string log;
    auto outer = [&]() -> Generator<std::string, std::string, int> {
        log = co_yield elements_of(converse());
        co_return 42;
    };
    auto generator = outer();
    CHECK(generator.next() == "hello");
    CHECK(generator.send("world") == "got world");
    CHECK(log == "");
    CHECK(generator.send("!") == std::nullopt);
    CHECK(log == "world!");
    CHECK(std::move(generator).result() == 42);
}

TEST_CASE("elements_of begins as next() does: what the outer one got does not reach the sub") {
    auto sub = []() -> Generator<int, int> {
        int sent = co_yield 1;
        co_yield sent;
    };
    auto outer = [](Generator<int, int> inner) -> Generator<int, int> {
        try {
            int sent = co_yield 7;
            CHECK(sent == 42);
        } catch (const std::runtime_error&) { // handled
        }
        co_yield elements_of(std::move(inner));
    };
    Generator<int, int> has_started = sub();
    has_started.next();
    Generator<int, int> sends = outer(std::move(has_started));
    sends.next();
    CHECK(sends.send(42) == 0);
    Generator<int, int> throws = outer(sub());
    throws.next();
    CHECK(throws.throw_in(error("E")) == 1);
    Generator<int, int> has_ended = sub();
    while (has_ended.next()) {
    }
    Generator<int, int> has_nothing = outer(std::move(has_ended));
    has_nothing.next();
    CHECK(has_nothing.send(42) == std::nullopt);
}

TEST_CASE("an exception in a generator comes out of next(), once, and ends it") {
    Generator<int> generator = fail_after(7);
    CHECK(generator.next() == 7);
    CHECK_THROWS_WITH(generator.next(), "broken");
    CHECK(generator.done());
    CHECK(generator.next() == std::nullopt);
}

TEST_CASE("throw_in makes the co_yield throw, and before the start the body does not run") {
    std::string log;
    Generator<int> generator = catch_what_is_thrown_in(log);
    CHECK(generator.next() == 1);
    CHECK(generator.throw_in(error("thrown ")) == 2);
    CHECK_THROWS_WITH(generator.throw_in(error("again")), "again");
    CHECK(log == "thrown W");
    Generator<int> new_one = catch_what_is_thrown_in(log);
    CHECK_THROWS_WITH(new_one.throw_in(error("early")), "early");
    CHECK(new_one.done());
    CHECK(log == "thrown W");
}

TEST_CASE("throw_in reaches the inner generator, and its exception the outer one") {
    std::string log;
    Generator<int> outer = delegate(catch_what_is_thrown_in(log), log);
    CHECK(outer.next() == 1);
    CHECK(outer.throw_in(error("inner ")) == 2);
    CHECK(outer.throw_in(error(" outer")) == 3);
    CHECK(outer.next() == std::nullopt);
    CHECK(log == "inner W outerD");
    log.clear();
    Generator<int> catches = delegate(fail_after(1), log);
    CHECK(catches.next() == 1);
    CHECK(catches.next() == 3);
    CHECK(log == "broken");
}

TEST_CASE("close and the destructor destroy the local variables, the innermost first") {
    std::string log;
    {
        Generator<int> closed = delegate(catch_what_is_thrown_in(log), log);
        closed.next();
        closed.close();
        CHECK(log == "WD");
        closed.close();
        Generator<int> destroyed = delegate(catch_what_is_thrown_in(log), log);
        destroyed.next();
        Generator<int> never_started = catch_what_is_thrown_in(log);
    }
    CHECK(log == "WDWD");
}

TEST_CASE("generators may be nested 1000 deep") {
    Generator<int> generator = nest(1000);
    for (int i = 0; i <= 1000; ++i) {
        REQUIRE(generator.next() == i);
    }
    CHECK(generator.next() == std::nullopt);
}

TEST_CASE("a generator that asks itself for a value gets an error, also through a delegate") {
    Generator<int>* asked = nullptr;
    auto ask = [&]() -> Generator<int> {
        co_yield 1;
        CHECK_THROWS_AS(asked->next(), std::logic_error);
        CHECK_THROWS_AS(asked->throw_in(error("thrown in")), std::logic_error);
        co_yield 2;
    };
    std::string log;
    for (bool is_delegate : {false, true}) {
        Generator<int> generator = is_delegate ? delegate(ask(), log) : ask();
        asked = &generator;
        CHECK(generator.next() == 1);
        CHECK(generator.next() == 2);
    }
}

TEST_CASE("a generator that closes itself is an error, and not a crash") {
    Generator<int>* itself = nullptr;
    bool is_refused = false;
    auto closes_itself = [](Generator<int>*& self, bool& refused) -> Generator<int> {
        try {
            self->close();
        } catch (const std::logic_error&) {
            refused = true;
        }
        co_yield 1;
    };
    Generator<int> generator = closes_itself(itself, is_refused);
    itself = &generator;
    CHECK(generator.next() == 1);
    CHECK(is_refused);
}

TEST_CASE("a generator that was moved from or closed is an error, and not a crash") {
    auto take = [](Generator<int> sub) -> Generator<int> {
        co_yield elements_of(std::move(sub));
    };
    Generator<int> numbers = count_to(2);
    Generator<int> moved = std::move(numbers);
    CHECK_THROWS_AS(numbers.next(), std::logic_error);
    CHECK_THROWS_AS(numbers.done(), std::logic_error);
    CHECK_THROWS_AS(take(std::move(numbers)).next(), std::logic_error);
    CHECK(moved.next() == 1);
    moved.close();
    CHECK_THROWS_AS(moved.next(), std::logic_error);
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("generators.cpp");

TEST_CASE("the program generators prints what its Python originals print") {
    Finished finished = run_program(PROGRAMS "/generators", {});
    CHECK(finished.ending.status == 0);
    CHECK(finished.output ==
          "--- hello, world\n"
          "hello\n"
          "world\n"
          "--- the value sent in\n"
          "hello\n"
          "world\n"
          "--- priming\n"
          "a new generator cannot be sent a value: call next() first\n"
          "world\n"
          "--- delegation with a return value\n"
          "hello\n"
          "world\n"
          "coro2 result world\n"
          "--- AB12, both ways\n"
          "['A', 'B', 1, 2]\n"
          "['A', 'B', 1, 2]\n"
          "--- grep\n"
          "Searching for coroutine\n"
          "you send None\n"
          "test coroutine\n"
          "--- follow\n"
          "hello\n"
          "hello again\n"
          "--- composed generators\n"
          "return value of yield-from: None\n"
          "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]\n"
          "--- yield and return\n"
          "result of yield: None\n"
          "result of 2nd yield: None\n"
          "return value of yield-from: done\n"
          "[1, 2]\n"
          "--- an exception that is thrown in\n"
          "waiting\n"
          "caught: connection reset\n"
          "waiting\n"
          "not caught: something else\n"
          "it has ended\n"
          "--- an object that yields itself\n"
          "True\n"
          "[<Test object>]\n");
}
