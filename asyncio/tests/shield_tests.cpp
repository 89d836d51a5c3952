// shield: what it protects, and what it lets through.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "shield.hpp"
#include "task.hpp"
#include "timeout.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("shield");

TEST_CASE("a shielded task goes on when the task that awaits it is cancelled") {
    EventLoop loop;
    Future<int> inner(loop);
    Future<int> outer = shield(inner);
    CHECK(outer.cancel());
    run_one_iteration(loop);
    CHECK_FALSE(inner.done());
    inner.set_result(42);
    run_one_iteration(loop);
    CHECK(outer.cancelled());
    CHECK(inner.result() == 42);
}

TEST_CASE("shield: a timeout does not reach what it protects") {
    struct Body {
        static Coroutine<int> wait(Task<int> task) {
            co_return co_await wait_for(shield(task), 1us);
        }
    };
    EventLoop loop;
    Task<int> task = create_task(loop, give_later(42, 10ms));
    CHECK_THROWS_AS(run_coroutine(loop, Body::wait(task)), TimeoutError);
    CHECK_FALSE(task.cancelled());
    CHECK(run_until_complete(loop, task) == 42);
}

TEST_CASE("shield gives the value, the exception or the cancellation of what it protects") {
    EventLoop loop;
    Future<int> value(loop);
    Future<int> failure(loop);
    Future<int> cancelled(loop);
    Future<int> shielded[] = {shield(value), shield(failure), shield(cancelled)};
    value.set_result(1);
    failure.set_exception(error("broken"));
    cancelled.cancel();
    run_one_iteration(loop);
    CHECK(shielded[0].result() == 1);
    CHECK_THROWS_WITH(shielded[1].result(), "broken");
    CHECK(shielded[2].cancelled());
}

TEST_CASE("a shield that is given up leaves no callback in what it protects") {
    EventLoop loop;
    Future<int> inner(loop);
    std::weak_ptr<FutureState> given_up;
    {
        Future<int> outer = shield(inner);
        given_up = outer.state();
        outer.cancel();
    }
    run_one_iteration(loop);
    CHECK(given_up.expired());
}

TEST_SUITE_END();
