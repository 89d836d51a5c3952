// What co_await does with a Future, and with NextIteration.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "gather.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

Coroutine<std::string> catch_error_of(Future<int> future) {
    std::string text = "no error";
    try {
        co_await future;
    } catch (const std::runtime_error& caught) {
        text = std::string("caught ") + caught.what();
    }
    co_await sleep(0ms); // goes on as usual
    co_return text;
}

Coroutine<void> sleep_in_turns(std::string& log, char name) {
    for (int i = 0; i < 3; ++i) {
        log += name;
        co_await sleep(0ms);
    }
}

} // namespace

TEST_SUITE_BEGIN("awaiters");

TEST_CASE("the error of a Future is thrown at the co_await") {
    EventLoop loop;
    Future<int> future(loop);
    loop.call_later(1ms, [future] { future.set_exception(error("E")); });
    CHECK(run_coroutine(loop, catch_error_of(future)) == "caught E");
}

TEST_CASE("a done Future can be awaited again, without suspension") {
    struct Body {
        static Coroutine<int> await_twice(Future<int> future) {
            int first = co_await future;
            int second = co_await future;
            co_return first + second;
        }
    };
    EventLoop loop;
    Future<int> future(loop);
    future.set_result(21);
    Task<int> task = create_task(loop, Body::await_twice(future));
    run_one_iteration(loop);
    REQUIRE(task.done());
    CHECK(task.result() == 42);
}

TEST_CASE("the result of a Future that is a temporary may be kept") {
    struct Body {
        static Coroutine<std::string> make() {
            co_await sleep(0ms);
            co_return std::string(100, 'x');
        }
        static Coroutine<std::size_t> use() {
            const std::string& text = co_await create_task(make());
            std::size_t count = 0;
            for (char c : co_await create_task(make())) {
                co_await sleep(0ms);
                count += c == 'x' ? 1 : 0;
            }
            co_return text.size() + count;
        }
    };
    EventLoop loop;
    CHECK(run_coroutine(loop, Body::use()) == 200);
}

TEST_CASE("a Future of another loop is an error, not a lost wake-up") {
    EventLoop loop;
    EventLoop other;
    Future<int> future(other);
    std::string log;
    CHECK_THROWS_AS(run_coroutine(loop, wait_for_it(future, log, 'x')), std::logic_error);
    struct Body {
        static Coroutine<void> gather_both(Future<int> first, Future<int> second) {
            co_await gather(first, second);
        }
    };
    CHECK_THROWS_AS(run_coroutine(loop, Body::gather_both(Future<int>(loop), future)),
                    std::logic_error);
    CHECK_THROWS_AS(run_until_complete(loop, future), std::logic_error);
}

TEST_CASE("a Future of another loop: the task has ended, and its result resumes nothing") {
    EventLoop loop;
    EventLoop other;
    Future<int> future(other);
    std::string log;
    Task<void> task = create_task(loop, wait_for_it(future, log, 'x'));
    CHECK_THROWS_AS(run_until_complete(loop, task), std::logic_error);
    future.set_result(1);
    run_one_iteration(other);
    CHECK(log == "x");
}

TEST_CASE("a task that waits for itself, directly or not, gets an error instead of hanging") {
    struct Body {
        static Coroutine<void> await(std::optional<Task<void>>& other) { co_await *other; }
    };
    EventLoop loop;
    std::optional<Task<void>> itself;
    itself = create_task(loop, Body::await(itself));
    CHECK_THROWS_AS(run_until_complete(loop, *itself), std::logic_error);
    std::optional<Task<void>> first;
    std::optional<Task<void>> second;
    first = create_task(loop, Body::await(second));
    second = create_task(loop, Body::await(first));
    CHECK_THROWS_AS(run_until_complete(loop, *second), std::logic_error);
    CHECK_THROWS_AS(run_until_complete(loop, *first), std::logic_error);
}

TEST_CASE(
    "a circle of 150 tasks is too long to be noticed, and to cancel one of them returns") {
    struct Body {
        static Coroutine<void> await(std::vector<Task<void>>& tasks, std::size_t number) {
            co_await gather(tasks[number % tasks.size()]);
        }
    };
    EventLoop loop;
    auto reports = reports_of(loop);
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < 150; ++i) {
        tasks.push_back(create_task(loop, Body::await(tasks, i + 1)));
    }
    run_one_iteration(loop);
    run_one_iteration(loop);
    CHECK_FALSE(tasks.front().done());
    CHECK(tasks.front().cancel());
    loop.close();
    CHECK(reports->size() == 150); // they are destroyed
}

TEST_CASE("8000 tasks of which each awaits the one before: each looks at no more than 100") {
    struct Asked : TypedFutureState<void> {
        using TypedFutureState<void>::TypedFutureState;
        mutable int times = 0;
        bool depends_on(const FutureState&, int&) const override {
            ++times;
            return false;
        }
    };
    struct Body {
        static Coroutine<void> await(Future<void> before) { co_await before; }
    };
    EventLoop loop;
    auto asked = std::make_shared<Asked>(loop);
    Future<void> first(asked);
    Future<void> last = first;
    for (int i = 0; i < 8000; ++i) {
        last = create_task(loop, Body::await(last));
    }
    run_one_iteration(loop);
    CHECK(asked->times > 0);
    CHECK(asked->times <= 100);
    first.set_result();
    run_until_complete(loop, last);
}

TEST_CASE("sleep(0) gives up one iteration") {
    EventLoop loop;
    std::string log;
    create_task(loop, sleep_in_turns(log, 'A'));
    create_task(loop, sleep_in_turns(log, 'B'));
    for (const char* expected : {"AB", "ABAB", "ABABAB"}) {
        run_one_iteration(loop);
        CHECK(log == expected);
    }
    run_one_iteration(loop);
}

TEST_CASE("a callback that was added before sleep(0) has run once after it") {
    struct Body {
        static Coroutine<void> run(EventLoop& loop, std::string& log) {
            loop.call_soon([&loop, &log] {
                log += "A";
                loop.call_soon([&log] { log += "later"; });
            });
            co_await sleep(0ms);
            CHECK(log == "A");
        }
    };
    EventLoop loop;
    std::string log;
    run_coroutine(loop, Body::run(loop, log));
    CHECK(log.starts_with("A"));
}

TEST_SUITE_END();
