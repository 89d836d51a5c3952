// gather: the order of results, errors, cancellation.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "gather.hpp"
#include "run.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("gather");

TEST_CASE("gather gives results in the order of its arguments, after the last child") {
    struct Body {
        static Coroutine<void> run(std::string& log) {
            std::vector<int> values =
                co_await gather(give_later(1, 10ms), give_later(2, 1ms), give_later(3, 20ms));
            CHECK(values == std::vector{1, 2, 3});
            log = "done";
        }
    };
    EventLoop loop;
    std::string log;
    run_coroutine(loop, Body::run(log));
    CHECK(log == "done");
}

TEST_CASE("gather takes tasks, plain Futures, void, and results that can only be moved") {
    struct Body {
        static Coroutine<std::unique_ptr<int>> make(int value) {
            co_await sleep(0ms);
            co_return std::make_unique<int>(value);
        }
        static Coroutine<void> run(std::string& log) {
            Future<int> future(EventLoop::running());
            future.set_result(2);
            std::vector<int> values = co_await gather(create_task(give(1)), future);
            CHECK(values == std::vector{1, 2});
            co_await gather(append(log, 'A'), append(log, 'B'));
            std::vector<std::unique_ptr<int>> made = co_await gather(make(1), make(2));
            CHECK(*made[1] == 2);
        }
    };
    EventLoop loop;
    std::string log;
    run_coroutine(loop, Body::run(log));
    CHECK(log == "AB");
}

TEST_CASE("gather throws the first error at once, the other children run on") {
    struct Body {
        static Coroutine<int> append_later(std::string& log, Future<void> go, char name) {
            co_await go;
            log += name;
            throw std::runtime_error("late error, which is not seen");
        }
        static Coroutine<void> run(std::string& log, Future<void> go) {
            try {
                co_await gather(append_later(log, go, 'a'), fail(), append_later(log, go, 'c'));
            } catch (const std::runtime_error& caught) {
                log += caught.what();
            }
        }
    };
    EventLoop loop;
    auto reports = reports_of(loop);
    std::string log;
    Future<void> go(loop);
    run_coroutine(loop, Body::run(log, go));
    CHECK(log == "broken");
    go.set_result();
    run_coroutine(loop, add_up());
    CHECK(log == "brokenac");
    CHECK(reports->empty());
}

TEST_CASE("return_exceptions waits for all and gives exceptions as results") {
    struct Body {
        static Coroutine<void> run(bool& is_done) {
            Task<int> cancelled = create_task(give(3));
            cancelled.cancel();
            std::vector<Outcome<int>> outcomes = co_await gather(
                return_exceptions, give(1), fail(), cancelled, give_later(4, 5ms));
            CHECK(outcomes[0].value == 1);
            CHECK(outcomes[0].exception == nullptr);
            CHECK_FALSE(outcomes[1].value.has_value());
            CHECK_THROWS_WITH(std::rethrow_exception(outcomes[1].exception), "broken");
            CHECK_THROWS_AS(std::rethrow_exception(outcomes[2].exception), CancelledError);
            CHECK(outcomes[3].value == 4);
            is_done = true;
        }
    };
    EventLoop loop;
    bool is_done = false;
    run_coroutine(loop, Body::run(is_done));
    CHECK(is_done);
}

TEST_CASE("gather of nothing gives no results") {
    struct Body {
        static Coroutine<std::size_t> run() {
            std::vector<int> values = co_await gather(std::vector<Future<int>>());
            co_return values.size();
        }
    };
    EventLoop loop;
    CHECK(run_coroutine(loop, Body::run()) == 0);
}

TEST_CASE("gather leaves the results of its children to others as well") {
    struct Body {
        static Coroutine<std::string> make() { co_return "text"; }
        static Coroutine<std::string> use() {
            Task<std::string> task = create_task(make());
            std::vector<std::string> values = co_await gather(task, task);
            co_return values[0] + values[1] + co_await task;
        }
    };
    EventLoop loop;
    CHECK(run_coroutine(loop, Body::use()) == "texttexttext");
}

TEST_CASE("a task that is cancelled in a gather cancels all its children") {
    struct Body {
        static Coroutine<void> run(std::string& log) {
            Witness witness{log, 'W'};
            co_await gather(sleep_long(log, 'a'), sleep_long(log, 'b'));
        }
        static Coroutine<void> run_wanting_exceptions(std::string& log) {
            Witness witness{log, 'W'};
            co_await gather(return_exceptions, clean_up_slowly(log), clean_up_slowly(log));
        }
        static Coroutine<void> run_with_slow_child(std::string& log) {
            Witness witness{log, 'W'};
            co_await gather(clean_up_slowly(log), give_later(1, 1h));
        }
    };
    EventLoop loop;
    std::string log;
    Task<void> task = create_task(loop, Body::run(log));
    run_one_iteration(loop);
    run_one_iteration(loop);
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(log == "abW");

    log.clear();
    task = create_task(loop, Body::run_wanting_exceptions(log));
    run_one_iteration(loop);
    run_one_iteration(loop);
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(log == "cleaned upcleaned upW"); // after all

    log.clear();
    task = create_task(loop, Body::run_with_slow_child(log));
    run_one_iteration(loop);
    run_one_iteration(loop);
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(log == "W"); // after the first
    while (!tasks_of(loop).empty()) {
        run_coroutine(loop, give_later(0, 1ms));
    }
    CHECK(log == "Wcleaned up"); // and the others clean up
}

TEST_CASE("gather: a child fails in the iteration in which the awaiter is cancelled") {
    struct Body {
        static Coroutine<void> gather_one(Future<int> child) { co_await gather(child); }
        static Coroutine<void> gather_two(Future<int> child, Future<int> other) {
            co_await gather(child, other);
        }
    };
    EventLoop loop;
    reports_of(loop); // the error of the first, which is not seen
    Future<int> only_child(loop);
    Task<void> task = create_task(loop, Body::gather_one(only_child));
    run_one_iteration(loop);
    only_child.set_exception(error("broken"));
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);

    Future<int> child(loop);
    Future<int> other(loop);
    task = create_task(loop, Body::gather_two(child, other));
    run_one_iteration(loop);
    child.set_exception(error("broken"));
    run_one_iteration(loop); // now gather has failed, and the task is going to be told
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK_FALSE(other.done());
}

TEST_CASE("a gather that is pending when its loop is closed does not leak") {
    struct Body {
        static Coroutine<void> run(std::string& log) {
            co_await gather(sleep_long(log, 'a'), sleep_long(log, 'b'));
        }
    };
    std::string log;
    {
        EventLoop loop;
        reports_of(loop);
        create_task(loop, Body::run(log));
        run_one_iteration(loop);
        run_one_iteration(loop);
    }
    CHECK(log == "ab");
}

TEST_CASE("a task that gathers itself gets an error instead of hanging") {
    struct Body {
        static Coroutine<void> gather_both(std::optional<Task<void>>& first,
                                           std::optional<Task<void>>& second) {
            co_await gather(*first, *second);
        }
        static Coroutine<void> await(std::optional<Task<void>>& other) { co_await *other; }
    };
    EventLoop loop;
    reports_of(loop);
    std::string log;
    std::optional<Task<void>> itself;
    std::optional<Task<void>> other = create_task(loop, sleep_long(log, 'x'));
    itself = create_task(loop, Body::gather_both(other, itself));
    CHECK_THROWS_AS(run_until_complete(loop, *itself), std::logic_error);
    std::optional<Task<void>> awaits_itself;
    itself = create_task(loop, Body::gather_both(other, awaits_itself));
    awaits_itself = create_task(loop, Body::await(itself));
    CHECK_THROWS_AS(run_until_complete(loop, *awaits_itself), std::logic_error);
    cancel_all_tasks(loop);
}

TEST_SUITE_END();
