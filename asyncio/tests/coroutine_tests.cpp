// Coroutines by themselves: lazy, nested, awaited once.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "gather.hpp"
#include "task.hpp"
#include "timeout.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <coroutine>
#include <memory>
#include <stdexcept>
#include <utility>

using namespace std::chrono_literals;

namespace {

Coroutine<int> one() {
    co_return 1;
}

Coroutine<int> sum_of_ones(int count) {
    int total = 0;
    for (int i = 0; i < count; ++i) {
        total += co_await one();
    }
    co_return total;
}

Coroutine<int> nest(int depth) {
    if (depth == 0) {
        co_return 0;
    }
    co_return 1 + co_await nest(depth - 1);
}

Coroutine<int> nest_and_sleep(int depth) {
    if (depth == 0) {
        co_await sleep(0ms);
        co_return 0;
    }
    co_return 1 + co_await nest_and_sleep(depth - 1);
}

} // namespace

TEST_SUITE_BEGIN("Coroutine");

TEST_CASE("a coroutine is lazy, and one that is never awaited destroys its arguments") {
    auto captured = std::make_shared<int>(0);
    struct Body {
        static Coroutine<void> set(std::shared_ptr<int> value) {
            *value = 1;
            co_return;
        }
    };
    {
        Coroutine<void> coroutine = Body::set(captured);
        CHECK(*captured == 0);
        CHECK(captured.use_count() == 2);
    }
    CHECK(captured.use_count() == 1);
    CHECK(*captured == 0);
}

TEST_CASE("values come back through every level") {
    EventLoop loop;
    CHECK(run_coroutine(loop, add_up()) == 1042);
}

TEST_CASE("a result that can only be moved comes back through every level") {
    struct Body {
        static Coroutine<std::unique_ptr<int>> make() { co_return std::make_unique<int>(42); }
        static Coroutine<int> take() {
            std::unique_ptr<int> made = co_await make();
            co_return *made;
        }
    };
    EventLoop loop;
    CHECK(run_coroutine(loop, Body::take()) == 42);
}

TEST_CASE("1000000 awaits of coroutines that do not wait need no stack") {
    EventLoop loop;
    CHECK(run_coroutine(loop, sum_of_ones(1'000'000)) == 1'000'000);
}

TEST_CASE("coroutines may be nested 10000 deep, whether they wait or not") {
    EventLoop loop;
    CHECK(run_coroutine(loop, nest(10'000)) == 10'000);
    CHECK(run_coroutine(loop, nest_and_sleep(10'000)) == 10'000);
}

TEST_CASE("awaiting a coroutine twice, or an awaiter that no task knows, is an error") {
    struct Body {
        static Coroutine<void> await_twice() {
            Coroutine<int> coroutine = give(1);
            co_await std::move(coroutine);
            co_await std::move(coroutine);
        }
        static Coroutine<int> await_something_else() {
            co_await std::suspend_always{};
            co_return 1;
        }
    };
    EventLoop loop;
    CHECK_THROWS_AS(run_coroutine(loop, Body::await_twice()), std::logic_error);
    CHECK_THROWS_AS(run_coroutine(loop, Body::await_something_else()), std::logic_error);
}

TEST_CASE("two tasks that await one coroutine: the first gets its value, the second an error") {
    struct Body {
        static Coroutine<int> await(Coroutine<int>& shared) {
            co_return co_await std::move(shared);
        }
    };
    EventLoop loop;
    Coroutine<int> shared = give(42);
    Task<int> first = create_task(loop, Body::await(shared));
    Task<int> second = create_task(loop, Body::await(shared)); // while it waits in sleep(0)
    CHECK_THROWS_AS(run_until_complete(loop, second), std::logic_error);
    CHECK(run_until_complete(loop, first) == 42);
}

TEST_CASE("a coroutine that was moved from is an error wherever it is used") {
    struct Body {
        static Coroutine<void> gather_both(Coroutine<int>& moved) {
            co_await gather(give(1), std::move(moved));
        }
        static Coroutine<void> await(Coroutine<int>& moved) { co_await std::move(moved); }
    };
    EventLoop loop;
    Coroutine<int> coroutine = give(1);
    Task<int> task = create_task(loop, std::move(coroutine));
    CHECK_THROWS_AS(create_task(loop, std::move(coroutine)), std::logic_error);
    CHECK_THROWS_AS(run_coroutine(loop, Body::await(coroutine)), std::logic_error);
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(std::move(coroutine), 1h)), std::logic_error);
    CHECK_THROWS_AS(run_coroutine(loop, Body::gather_both(coroutine)), std::logic_error);
    CHECK(run_until_complete(loop, task) == 1);
}

TEST_CASE("100000 coroutines that await one another are destroyed when the loop is closed") {
    struct Body {
        static Coroutine<void> nest(int depth, Future<void> never, int& destroyed) {
            struct CountsAtExit {
                int& destroyed;
                ~CountsAtExit() { ++destroyed; }
            } counts{destroyed};
            if (depth == 1) {
                co_await never;
            } else {
                co_await nest(depth - 1, never, destroyed);
            }
        }
    };
    EventLoop loop;
    auto reports = reports_of(loop);
    int destroyed = 0;
    create_task(loop, Body::nest(100'000, Future<void>(loop), destroyed));
    run_one_iteration(loop);
    loop.close(); // and no stack overflow
    CHECK(destroyed == 100'000);
    CHECK(reports->size() == 1);
}

TEST_SUITE_END();
