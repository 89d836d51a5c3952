// Functions that run in the thread pool of the loop.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "executor.hpp"
#include "future.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("executor");

TEST_CASE(
    "run_in_executor runs the function in another thread, its result arrives in this one") {
    EventLoop loop;
    Future<std::thread::id> future =
        run_in_executor(loop, [] { return std::this_thread::get_id(); });
    std::thread::id callback_ran_in;
    future.add_done_callback(
        [&](Future<std::thread::id>) { callback_ran_in = std::this_thread::get_id(); });
    CHECK(run_until_complete(loop, future) != std::this_thread::get_id());
    CHECK(callback_ran_in == std::this_thread::get_id());
}

TEST_CASE("run_in_executor takes functions of any result, exceptions, and many at once") {
    EventLoop loop;
    std::atomic<int> calls = 0;
    run_until_complete(loop, run_in_executor(loop, [&] { ++calls; }));
    auto result = run_in_executor(loop, [] { return std::make_unique<int>(42); });
    result.add_done_callback([&](auto) { loop.stop(); });
    loop.run_forever();
    CHECK(*result.result() == 42);
    auto broken = run_in_executor(loop, [] { throw std::runtime_error("broken"); });
    CHECK_THROWS_WITH(run_until_complete(loop, broken), "broken");
    std::vector<Future<void>> many;
    for (int i = 0; i < 100; ++i) {
        many.push_back(run_in_executor(loop, [&] { ++calls; }));
    }
    for (const Future<void>& future : many) {
        run_until_complete(loop, future);
    }
    CHECK(calls == 101);
}

TEST_CASE("closing the loop waits for what runs in the executor and drops the rest") {
    std::atomic<int> started = 0;
    std::atomic<int> finished = 0;
    {
        EventLoop loop;
        std::vector<Future<void>> futures;
        for (int i = 0; i < 1000; ++i) {
            futures.push_back(run_in_executor(loop, [&] {
                ++started;
                compute_for(1ms); // all of them: far longer than it takes to close
                ++finished;
            }));
        }
        futures.front().cancel();
    }
    CHECK(started == finished);
    CHECK(started < 1000);
}

TEST_CASE("run_in_executor: what the function owns is destroyed in the thread of the loop") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    AsyncSocket theirs = connection.theirs;
    std::thread::id destroyed_in;
    std::shared_ptr<void> owned(nullptr,
                                [&](void*) { destroyed_in = std::this_thread::get_id(); });
    Future<void> called =
        run_in_executor(loop, [owned = std::move(owned), socket = connection.ours] {});
    connection.ours = theirs; // the function has the last handle of it
    run_until_complete(loop, called);
    run_one_iteration(loop);
    CHECK(destroyed_in == std::this_thread::get_id());
    CHECK(run_until_complete<std::string>(loop, create_task(loop, theirs.recv(100))) == "");
}

TEST_CASE(
    "run_in_executor: a call that is cancelled while it waits for a thread does not run") {
    EventLoop loop;
    std::promise<void> opened;
    std::shared_future<void> gate = opened.get_future().share();
    std::vector<Future<void>> keep_all_threads_busy;
    for (int i = 0; i < 4; ++i) {
        keep_all_threads_busy.push_back(run_in_executor(loop, [gate] { gate.wait(); }));
    }
    std::atomic<bool> has_run = false;
    Future<void> cancelled = run_in_executor(loop, [&] { has_run = true; });
    Future<void> last = run_in_executor(loop, [] {});
    cancelled.cancel();
    run_one_iteration(loop);
    opened.set_value();
    run_until_complete(loop, last);
    loop.close(); // waits for the threads
    CHECK_FALSE(has_run);
}

TEST_CASE("run_in_executor refuses a closed loop") {
    auto loop = std::make_unique<EventLoop>();
    loop->close();
    CHECK_THROWS_AS(static_cast<void>(run_in_executor(*loop, [] {})), std::runtime_error);
}

TEST_CASE("run_in_executor works in another thread, and the awaiter goes on in this one") {
    struct Body {
        static Coroutine<void> run(std::string& log) {
            std::thread::id worker =
                co_await run_in_executor([] { return std::this_thread::get_id(); });
            CHECK(worker != std::this_thread::get_id());
            try {
                co_await run_in_executor([] { throw std::runtime_error("broken"); });
            } catch (const std::runtime_error& caught) {
                log = caught.what();
            }
        }
    };
    EventLoop loop;
    std::string log;
    run_coroutine(loop, Body::run(log));
    CHECK(log == "broken");
}

TEST_SUITE_END();
