// A Future: its result, its callbacks, and the exception that no code has looked at.
#include "event_loop.hpp"
#include "future.hpp"

#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

TEST_SUITE_BEGIN("Future");

TEST_CASE("a Future gets its result once and keeps it") {
    EventLoop loop;
    Future<int> future(loop);
    CHECK_FALSE(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_THROWS_AS(future.result(), InvalidStateError);
    CHECK_THROWS_AS(future.exception(), InvalidStateError);
    future.set_result(42);
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_THROWS_AS(future.set_result(43), InvalidStateError);
    CHECK_THROWS_AS(future.set_exception(error("late")), InvalidStateError);
    CHECK_FALSE(future.cancel());
    CHECK(future.result() == 42);
    CHECK(future.result() == 42);
    CHECK(future.exception() == nullptr);
}

TEST_CASE("copies refer to the same Future, and a result may be moved out") {
    EventLoop loop;
    Future<std::unique_ptr<int>> future(loop);
    Future<std::unique_ptr<int>> copy = future;
    future.set_result(std::make_unique<int>(42));
    std::unique_ptr<int> result = std::move(copy.result());
    CHECK(*result == 42);
}

TEST_CASE("a result that is moved from one handle is still there for the others") {
    EventLoop loop;
    Future<std::string> future(loop);
    Future<std::string> other = future;
    std::string seen;
    other.add_done_callback([&](const Future<std::string>& done) { seen = done.result(); });
    future.set_result("a result that is too long to be copied by accident");
    std::string taken = std::move(future).result();
    CHECK(taken == "a result that is too long to be copied by accident");
    CHECK(other.result() == taken);
    run_one_iteration(loop);
    CHECK(seen == taken);
}

TEST_CASE("a Future with an exception throws it from result, each time") {
    EventLoop loop;
    Future<int> future(loop);
    future.set_exception(error("broken"));
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_THROWS_WITH(future.result(), "broken");
    CHECK_THROWS_WITH(future.result(), "broken");
    CHECK(future.exception() != nullptr);
}

TEST_CASE("a cancelled Future is done, and its result throws CancelledError") {
    EventLoop loop;
    Future<int> future(loop);
    CHECK(future.cancel());
    CHECK_FALSE(future.cancel());
    CHECK(future.done());
    CHECK(future.cancelled());
    CHECK_THROWS_AS(future.result(), CancelledError);
    CHECK_THROWS_AS(future.exception(), CancelledError);
    CHECK_THROWS_AS(future.set_result(42), InvalidStateError);
    CHECK_FALSE(std::is_base_of_v<std::exception, CancelledError>);
}

TEST_CASE("callbacks run in the next iteration, in order, with the Future") {
    std::vector<std::function<void(Future<int>&)>> ways_to_complete = {
        [](Future<int>& future) { future.set_result(42); },
        [](Future<int>& future) { future.set_exception(error("broken")); },
        [](Future<int>& future) { future.cancel(); },
    };
    for (const auto& complete : ways_to_complete) {
        EventLoop loop;
        Future<int> future(loop);
        std::string log;
        for (char name : {'A', 'B'}) {
            future.add_done_callback([&log, name](Future<int> done) {
                CHECK(done.done());
                log += name;
            });
        }
        complete(future);
        CHECK(log == "");
        run_one_iteration(loop);
        CHECK(log == "AB");
        run_one_iteration(loop);
        CHECK(log == "AB");
        CHECK((future.cancelled() || future.exception() || future.result() == 42));
    }
}

TEST_CASE("a callback that is added to a done Future still runs, in a later iteration") {
    EventLoop loop;
    Future<int> future(loop);
    future.set_result(42);
    int seen = 0;
    future.add_done_callback([&](Future<int> done) { seen = done.result(); });
    CHECK(seen == 0);
    run_one_iteration(loop);
    CHECK(seen == 42);
}

TEST_CASE("a callback that was taken back leaves the others in order") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    std::size_t first = future.add_done_callback([&](Future<int>) { log += 'A'; });
    future.add_done_callback([&](Future<int>) { log += 'B'; });
    CHECK(future.remove_done_callback(first));
    CHECK_FALSE(future.remove_done_callback(first));
    future.add_done_callback([&](Future<int>) { log += 'C'; });
    future.set_result(1);
    run_one_iteration(loop);
    CHECK(log == "BC");
}

TEST_CASE("remove_done_callback takes back one callback") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    future.add_done_callback([&](Future<int>) { log += 'A'; });
    std::size_t number = future.add_done_callback([&](Future<int>) { log += 'B'; });
    std::size_t last = future.add_done_callback([&](Future<int>) { log += 'C'; });
    CHECK(future.remove_done_callback(number));
    CHECK_FALSE(future.remove_done_callback(number));
    future.set_result(1);
    CHECK_FALSE(future.remove_done_callback(last)); // too late: it is going to be called
    run_one_iteration(loop);
    CHECK(log == "AC");
}

TEST_CASE("a callback that throws does not keep the others from running") {
    EventLoop loop;
    auto reports = reports_of(loop);
    Future<int> future(loop);
    bool has_run = false;
    future.add_done_callback([](Future<int>) { throw std::runtime_error("broken"); });
    future.add_done_callback([&](Future<int>) { has_run = true; });
    future.set_result(42);
    run_one_iteration(loop);
    CHECK(has_run);
    CHECK(reports->size() == 1);
}

TEST_CASE("an exception that no code has looked at is reported once") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Future<int> future(loop);
        Future<int> copy = future;
        future.set_exception(error("never looked at"));
    }
    REQUIRE(reports->size() == 1);
    CHECK(reports->front() == "exception of a Future was never retrieved");
}

TEST_CASE("no exception is reported that was looked at, or that there is not") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Future<int> looked_at(loop);
        looked_at.set_exception(error("seen"));
        CHECK(looked_at.exception() != nullptr);
        Future<int> thrown(loop);
        thrown.set_exception(error("seen"));
        CHECK_THROWS(thrown.result());
        Future<int> with_result(loop);
        with_result.set_result(42);
        Future<int> cancelled(loop);
        cancelled.cancel();
        Future<int> pending(loop);
    }
    CHECK(reports->empty());
}

TEST_CASE("to cancel a Future that has failed counts as looking at its exception") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Future<int> future(loop);
        future.set_exception(error("not looked at"));
        CHECK_FALSE(future.cancel());
        CHECK_THROWS_WITH(future.result(), "not looked at");
        Future<int> not_looked_at(loop);
        not_looked_at.set_exception(error("not looked at"));
        CHECK_FALSE(not_looked_at.cancel());
    }
    CHECK(reports->empty());
}

TEST_CASE("100000 Futures that complete one another need no stack") {
    EventLoop loop;
    std::vector<Future<int>> chain;
    for (int i = 0; i < 100'000; ++i) {
        chain.emplace_back(loop);
    }
    for (std::size_t i = 1; i < chain.size(); ++i) {
        chain[i - 1].add_done_callback(
            [next = chain[i]](Future<int> done) { next.set_result(done.result() + 1); });
    }
    chain.front().set_result(0);
    CHECK(run_until_complete(loop, chain.back()) == 99'999); // and no stack overflow
}

TEST_SUITE_END();
