// How coroutines, Tasks and what is built on them behave. asyncio's own tests assert much of
// the same.
#include "async_socket.hpp"
#include "await_tree.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "executor.hpp"
#include "gather.hpp"
#include "queue.hpp"
#include "run.hpp"
#include "shield.hpp"
#include "task.hpp"
#include "timeout.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <csignal>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

void run_one_iteration(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

template <typename T>
T run_coroutine(EventLoop& loop, Coroutine<T> coroutine) {
    return run_until_complete(loop,
                              static_cast<Future<T>>(create_task(loop, std::move(coroutine))));
}

std::exception_ptr error(const std::string& text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

std::shared_ptr<std::vector<std::string>> reports_of(EventLoop& loop) {
    auto reports = std::make_shared<std::vector<std::string>>();
    loop.set_exception_handler(
        [reports](const ExceptionContext& context) { reports->push_back(context.message); });
    return reports;
}

struct SocketPair {
    Socket ours{-1, "ours"};
    Socket theirs{-1, "theirs"};

    SocketPair() {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
        ours = Socket(fds[0], "ours");
        theirs = Socket(fds[1], "theirs");
        ours.set_blocking(false);
        theirs.set_blocking(false);
    }
};

// Writes to a log when it is destroyed, as a local variable of a coroutine that is destroyed.
struct Witness {
    std::string& log;
    char name;
    ~Witness() { log += name; }
};

// ---- small coroutines for many tests ----

Coroutine<void> append(std::string& log, char name) {
    log += name;
    co_return;
}

Coroutine<int> give(int value) {
    co_await sleep(0ms);
    co_return value;
}

Coroutine<int> give_later(int value, std::chrono::nanoseconds delay) {
    co_await sleep(delay);
    co_return value;
}

Coroutine<int> fail() {
    co_await sleep(0ms);
    throw std::runtime_error("broken");
}

Coroutine<void> wait_for_it(Future<int> future, std::string& log, char name) {
    Witness witness{log, name};
    co_await future;
}

Coroutine<void> sleep_long(std::string& log, char name) {
    Witness witness{log, name};
    co_await sleep(1h);
}

// Needs some iterations to end when it is cancelled.
Coroutine<int> clean_up_slowly(std::string& log) {
    bool is_cancelled = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        is_cancelled = true;
    }
    if (is_cancelled) {
        co_await sleep(1ms);
        log += "cleaned up";
        throw CancelledError();
    }
    co_return 42;
}

} // namespace

// ---- coroutines and tasks -------------------------------------------------------------------

namespace {

Coroutine<int> add_up() {
    int a = co_await give(42);
    int b = co_await give(1000);
    co_return a + b;
}

Coroutine<int> fail_two_levels_down() {
    co_return co_await fail();
}

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

TEST_CASE("create_task runs nothing yet, and the first steps come in order of creation") {
    EventLoop loop;
    std::string log;
    create_task(loop, append(log, 'A'));
    loop.call_soon([&] { log += 'B'; });
    create_task(loop, append(log, 'C'));
    CHECK(log == "");
    run_one_iteration(loop);
    CHECK(log == "ABC");
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

TEST_CASE("an error ends the task, not the loop, and is thrown where the task is awaited") {
    EventLoop loop;
    CHECK_THROWS_WITH(run_coroutine(loop, fail_two_levels_down()), "broken");
    CHECK(run_coroutine(loop, catch_error_of(create_task(loop, fail()))) == "caught broken");
}

TEST_CASE("an error of a task that nobody waits for is reported, never lost, never fatal") {
    EventLoop loop;
    auto reports = reports_of(loop);
    create_task(loop, fail());
    CHECK(run_coroutine(loop, add_up()) == 1042);
    REQUIRE(reports->size() == 1);
    CHECK(reports->front() == "exception of a Future was never retrieved");
}

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

TEST_CASE("current() is the task that runs") {
    struct Body {
        static Coroutine<void> check_current(std::vector<TaskBase*>& seen) {
            TaskBase* myself = TaskBase::current();
            seen.push_back(myself);
            for (int i = 0; i < 3; ++i) {
                co_await sleep(0ms);
                CHECK(TaskBase::current() == myself);
            }
        }
    };
    EventLoop loop;
    std::vector<TaskBase*> seen;
    Task<void> first = create_task(loop, Body::check_current(seen));
    Task<void> second = create_task(loop, Body::check_current(seen));
    loop.call_soon([] { CHECK(TaskBase::current() == nullptr); });
    run_until_complete(loop, first);
    run_until_complete(loop, second);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0] != nullptr);
    CHECK(seen[0] != seen[1]);
    CHECK(TaskBase::current() == nullptr);
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

TEST_CASE("a task that is pending when its loop is closed is reported and destroyed") {
    EventLoop loop;
    auto reports = reports_of(loop);
    std::string log;
    create_task(loop, wait_for_it(Future<int>(loop), log, 'x')); // held by nothing but the loop
    Task<void> held = create_task(loop, sleep_long(log, 'y'));
    create_task(loop, append(log, 'z')); // not started yet
    create_task(loop, sleep_long(log, 'y'));
    run_one_iteration(loop);
    CHECK(log == "z");
    create_task(loop, append(log, 'z'));
    loop.close();
    CHECK(reports->size() == 4);
    CHECK(reports->front().ends_with(" was destroyed but it is pending"));
    CHECK(log == "zxyy");
    CHECK_FALSE(held.done());
    CHECK_THROWS_AS(create_task(loop, append(log, 'q')), std::runtime_error);
}

TEST_CASE("a coroutine that is destroyed cancels a task that was destroyed before") {
    struct CancelAtExit {
        Task<void> task;
        ~CancelAtExit() { task.cancel(); }
    };
    struct Body {
        static Coroutine<void> sleep_and_cancel(Task<void> other) {
            CancelAtExit at_exit{other};
            co_await sleep(1h);
        }
    };
    EventLoop loop;
    auto reports = reports_of(loop);
    std::string log;
    Task<void> other = create_task(loop, sleep_long(log, 'x'));
    create_task(loop, Body::sleep_and_cancel(other));
    run_one_iteration(loop);
    loop.close();
    CHECK(reports->size() == 2);
    CHECK(log == "x");
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

TEST_CASE("1000000 awaits of coroutines that do not wait need no stack") {
    EventLoop loop;
    CHECK(run_coroutine(loop, sum_of_ones(1'000'000)) == 1'000'000);
}

TEST_CASE("coroutines may be nested 10000 deep, whether they wait or not") {
    EventLoop loop;
    CHECK(run_coroutine(loop, nest(10'000)) == 10'000);
    CHECK(run_coroutine(loop, nest_and_sleep(10'000)) == 10'000);
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

TEST_CASE("awaiting a coroutine twice, or an awaiter of somebody else, is an error") {
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

TEST_CASE("a coroutine that was moved from is an error for whoever takes it") {
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

TEST_CASE("a task refuses a result that does not come from its coroutine") {
    EventLoop loop;
    Task<int> task = create_task(loop, give(1));
    CHECK_THROWS_AS(task.set_result(2), std::logic_error);
    CHECK_THROWS_AS(task.set_exception(error("broken")), std::logic_error);
    run_one_iteration(loop);
    CHECK_THROWS_AS(task.state()->set_result(2), std::logic_error);
    CHECK_FALSE(task.done());
    CHECK(run_until_complete(loop, task) == 1);
    CHECK_THROWS_AS(task.set_result(2), InvalidStateError);
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("to cancel a task that has failed counts as looking at its exception") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Task<int> task = create_task(loop, fail());
        while (!task.done()) {
            run_one_iteration(loop);
        }
        CHECK_FALSE(task.cancel());
    }
    CHECK(reports->empty());
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

TEST_CASE("100000 coroutines that await one another are destroyed when the loop is closed") {
    struct Body {
        static Coroutine<void> nest(int depth, Future<void> never, int& destroyed) {
            struct Witness {
                int& destroyed;
                ~Witness() { ++destroyed; }
            } witness{destroyed};
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

TEST_CASE("an error that comes after a cancellation is not lost") {
    struct Body {
        static Coroutine<void> cancel_and_throw(std::optional<Task<void>>& myself) {
            myself->cancel();
            throw std::runtime_error("broken");
            co_return;
        }
    };
    EventLoop loop;
    std::optional<Task<void>> task;
    task = create_task(loop, Body::cancel_and_throw(task));
    CHECK_THROWS_WITH(run_until_complete(loop, *task), "broken");
}

TEST_CASE("an exception handler may start a task") {
    EventLoop loop;
    std::string log;
    loop.set_exception_handler(
        [&](const ExceptionContext&) { create_task(loop, append(log, 'A')); });
    create_task(loop,
                fail()); // is the only one, and its error is reported when it is destroyed
    while (log.empty()) {
        run_one_iteration(loop);
    }
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("a loop may run in one thread and be destroyed in another") {
    std::string log;
    {
        EventLoop loop;
        create_task(loop, append(log, 'A'));
        std::thread thread([&] {
            create_task(loop, append(log, 'B'));
            run_coroutine(loop, give(1));
        });
        thread.join();
        create_task(loop, append(log, 'C'));
        reports_of(loop);
    }
    CHECK(log == "AB");
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

// ---- cancellation ---------------------------------------------------------------------------

namespace {

Coroutine<void> wait_two_levels_down(Future<int> future, std::string& log) {
    Witness witness{log, 'o'};
    co_await wait_for_it(future, log, 'i');
}

Coroutine<int> catch_cancellation(Future<int> first, std::optional<Future<int>> second) {
    try {
        co_await first;
    } catch (const CancelledError&) {
        if (!second) {
            co_return 42;
        }
    }
    co_return co_await *second;
}

} // namespace

TEST_CASE("cancel is a request that is fulfilled at the next step") {
    EventLoop loop;
    std::string log;
    Task<void> task = create_task(loop, sleep_long(log, 'x'));
    run_one_iteration(loop);
    CHECK(task.cancel());
    CHECK_FALSE(task.done());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(task.cancelled());
    CHECK_FALSE(task.cancel());
    CHECK(log == "x");
}

TEST_CASE("a task that is cancelled before it starts never starts") {
    EventLoop loop;
    std::string log;
    Task<void> task = create_task(loop, append(log, 'A'));
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(task.cancelled());
    CHECK(log == "");
}

TEST_CASE("a cancellation reaches the Future and passes through every level, innermost first") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> task = create_task(loop, wait_two_levels_down(future, log));
    run_one_iteration(loop);
    task.cancel();
    CHECK(future.cancelled());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(log == "io");
}

TEST_CASE("a task whose Future is cancelled by somebody else ends cancelled") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> task = create_task(loop, wait_for_it(future, log, 'x'));
    run_one_iteration(loop);
    future.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(task.cancelled());
}

TEST_CASE("a task may catch its cancellation") {
    EventLoop loop;
    Task<int> returns = create_task(loop, catch_cancellation(Future<int>(loop), std::nullopt));
    Future<int> second(loop);
    Task<int> goes_on = create_task(loop, catch_cancellation(Future<int>(loop), second));
    run_one_iteration(loop);
    returns.cancel();
    goes_on.cancel();
    CHECK(run_until_complete(loop, returns) == 42);
    CHECK_FALSE(returns.cancelled());
    run_one_iteration(loop);
    CHECK_FALSE(goes_on.done());
    second.set_result(7);
    CHECK(run_until_complete(loop, goes_on) == 7);
}

TEST_CASE("a task that is cancelled while it awaits another one cancels that one") {
    struct Body {
        static Coroutine<void> await(Task<void> task) { co_await task; }
    };
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> child = create_task(loop, wait_for_it(future, log, 'c'));
    Task<void> parent = create_task(loop, Body::await(child));
    run_one_iteration(loop);
    parent.cancel();
    CHECK(future.cancelled());
    CHECK_THROWS_AS(run_until_complete(loop, parent), CancelledError);
    CHECK(child.cancelled());
    CHECK(log == "c");
}

TEST_CASE("a task that cancels itself and then awaits another one cancels both") {
    struct Body {
        static Coroutine<void> run(std::optional<Task<void>>& myself, Task<void> child) {
            myself->cancel();
            co_await child;
        }
    };
    EventLoop loop;
    std::string log;
    Task<void> child = create_task(loop, sleep_long(log, 'c'));
    std::optional<Task<void>> parent;
    parent = create_task(loop, Body::run(parent, child));
    CHECK_THROWS_AS(run_until_complete(loop, *parent), CancelledError);
    CHECK(child.cancelled());
    CHECK(log == "c");
}

TEST_CASE("cancelling a sleep cancels its timer") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    struct Body {
        static Coroutine<void> sleep_with(std::shared_ptr<int>) { co_await sleep(1h); }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 500; ++i) {
        tasks.push_back(create_task(loop, Body::sleep_with(captured)));
    }
    run_one_iteration(loop);
    for (const Task<void>& task : tasks) {
        task.cancel();
    }
    tasks.clear();
    run_coroutine(loop, give(1));
    CHECK(captured.use_count() == 1);
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("a cancellation is not lost when the awaited Future is done in the same iteration") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> task = create_task(loop, wait_for_it(future, log, 'x'));
    run_one_iteration(loop);
    future.set_result(1); // the task is going to be resumed
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
}

TEST_CASE("a task is cancelled before its first step ends, or by itself at its very end") {
    struct Body {
        static Coroutine<void> cancel_and_end(std::optional<Task<void>>& myself) {
            myself->cancel();
            co_return;
        }
    };
    EventLoop loop;
    Task<int> task = create_task(loop, give(1));
    run_one_iteration(loop);
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    std::optional<Task<void>> at_end;
    at_end = create_task(loop, Body::cancel_and_end(at_end));
    CHECK_THROWS_AS(run_until_complete(loop, *at_end), CancelledError);
}

// ---- gather ---------------------------------------------------------------------------------

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
            throw std::runtime_error("late error, which nobody sees");
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

TEST_CASE("whoever is cancelled in a gather cancels all its children") {
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
    reports_of(loop); // the error of the first, which nobody sees
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

// ---- Queue ----------------------------------------------------------------------------------

namespace {

Coroutine<int> get_one(Queue<int>& queue) {
    co_return co_await queue.get();
}

Coroutine<void> put_one(Queue<int>& queue, int item) {
    co_await queue.put(item);
}

Coroutine<void> join(Queue<int>& queue) {
    co_await queue.join();
}

Coroutine<void> produce(Queue<int>& queue, int count) {
    for (int i = 0; i < count; ++i) {
        co_await queue.put(i);
    }
}

Coroutine<int> consume(Queue<int>& queue, int count) {
    int in_order = 0;
    for (int i = 0; i < count; ++i) {
        in_order += co_await queue.get() == i ? 1 : 0;
    }
    co_return in_order;
}

Coroutine<void> work(Queue<int>& queue, int& done) {
    while (true) {
        co_await queue.get();
        co_await sleep(0ms);
        ++done;
        queue.task_done();
    }
}

} // namespace

TEST_CASE("a Queue is first in, first out") {
    Queue<int> queue;
    for (int item : {1, 3, 2}) {
        queue.put_nowait(item);
    }
    CHECK(queue.size() == 3);
    CHECK(queue.get_nowait() == 1);
    CHECK(queue.get_nowait() == 3);
    CHECK(queue.get_nowait() == 2);
    CHECK(queue.empty());
}

TEST_CASE("get waits for a put, and get_nowait does not") {
    EventLoop loop;
    Queue<int> queue;
    CHECK_THROWS_AS(queue.get_nowait(), QueueEmpty);
    Task<int> getter = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    CHECK_FALSE(getter.done());
    queue.put_nowait(42);
    CHECK(run_until_complete(loop, getter) == 42);
}

TEST_CASE("put waits while the queue is full") {
    EventLoop loop;
    Queue<int> queue(2);
    Task<void> producer = create_task(loop, produce(queue, 3));
    run_one_iteration(loop);
    CHECK(queue.full());
    CHECK_FALSE(producer.done());
    CHECK_THROWS_AS(queue.put_nowait(9), QueueFull);
    CHECK(queue.get_nowait() == 0);
    run_until_complete(loop, producer);
    CHECK(queue.size() == 2);
    Queue<int> unlimited;
    for (int i = 0; i < 1000; ++i) {
        unlimited.put_nowait(i);
        CHECK_FALSE(unlimited.full());
    }
}

TEST_CASE("no item is lost when a getter is cancelled whose turn it was") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> getter = create_task(loop, get_one(queue));
    Task<int> second = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1);
    queue.put_nowait(2);
    getter.cancel();
    CHECK(run_until_complete(loop, second) == 1);
    CHECK_THROWS_AS(run_until_complete(loop, getter), CancelledError);
    CHECK(queue.get_nowait() == 2);
}

TEST_CASE("the turn of a cancelled getter goes to the next one") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> getter = create_task(loop, get_one(queue));
    Task<int> second = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1); // wakes the first
    getter.cancel();
    CHECK(run_until_complete(loop, second) == 1);
    CHECK_THROWS_AS(run_until_complete(loop, getter), CancelledError);
}

TEST_CASE("a getter that was cancelled a moment ago is in nobody's way") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> getter = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    getter.cancel();
    queue.put_nowait(1); // it does not know yet
    run_one_iteration(loop);
    CHECK(getter.cancelled());
    CHECK(queue.get_nowait() == 1);
}

TEST_CASE("Queue: a getter that is cancelled wakes the next only if there is an item") {
    EventLoop loop;
    Queue<int> queue;
    Task<int> cancelled = create_task(loop, get_one(queue));
    Task<int> first = create_task(loop, get_one(queue));
    Task<int> second = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1); // before the getter, whose turn it was
    cancelled.cancel();
    run_one_iteration(loop);
    run_one_iteration(loop);
    queue.put_nowait(2); // woken for nothing, the first would now stand behind the second
    CHECK(run_until_complete(loop, first) == 2);
    second.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, second), CancelledError);
}

TEST_CASE("a woken getter or putter looks at the queue again, and waits again if it must") {
    EventLoop loop;
    Queue<int> queue(1);
    Task<int> getter = create_task(loop, get_one(queue));
    run_one_iteration(loop);
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1); // before the getter, whose turn it was
    run_one_iteration(loop);
    CHECK_FALSE(getter.done());
    queue.put_nowait(2);
    CHECK(run_until_complete<int>(loop, getter) == 2);

    queue.put_nowait(3);
    Task<void> putter = create_task(loop, queue.put(5));
    run_one_iteration(loop);
    CHECK(queue.get_nowait() == 3);
    queue.put_nowait(4); // before the putter, whose turn it was
    run_one_iteration(loop);
    CHECK_FALSE(putter.done());
    CHECK(queue.get_nowait() == 4);
    run_until_complete<void>(loop, putter);
    CHECK(queue.get_nowait() == 5);
}

TEST_CASE("task_done throws when it is called more often than there were items") {
    Queue<int> queue;
    CHECK_THROWS_AS(queue.task_done(), std::invalid_argument);
    queue.put_nowait(1);
    queue.task_done(); // needs no get before
    CHECK_THROWS_AS(queue.task_done(), std::invalid_argument);
}

TEST_CASE("join waits for the last task_done, not for the queue to be empty") {
    EventLoop loop;
    Queue<int> queue;
    run_coroutine(loop, join(queue)); // nothing to wait for
    for (int i = 0; i < 100; ++i) {
        queue.put_nowait(i);
    }
    int done = 0;
    create_task(loop, work(queue, done));
    create_task(loop, work(queue, done));
    Task<void> first = create_task(loop, join(queue));
    Task<void> second = create_task(loop, join(queue));
    run_until_complete(loop, first);
    CHECK(done == 100);
    run_until_complete(loop, second);
    cancel_all_tasks(loop);
}

TEST_CASE("every get wakes a putter and every put wakes a getter, so nobody waits for ever") {
    EventLoop loop;
    Queue<int> queue(1);
    create_task(loop, produce(queue, 1000));
    CHECK(run_coroutine(loop, consume(queue, 1000)) == 1000);

    Queue<int> narrow(2);
    std::vector<Task<void>> putters;
    for (int i = 0; i < 4; ++i) {
        putters.push_back(create_task(loop, put_one(narrow, i)));
    }
    run_one_iteration(loop);
    CHECK(narrow.get_nowait() == 0);
    CHECK(narrow.get_nowait() == 1);
    for (const Task<void>& putter : putters) {
        run_until_complete(loop, putter);
    }
    CHECK(narrow.get_nowait() == 2);
    CHECK(narrow.get_nowait() == 3);
}

// ---- wait_for and sleep ---------------------------------------------------------------------

namespace {

Coroutine<int> with_timeout(Future<int> future,
                            std::optional<std::chrono::nanoseconds> timeout) {
    co_return co_await wait_for(future, timeout);
}

} // namespace

TEST_CASE("wait_for gives a value that comes in time, and leaves no timer behind") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    for (int i = 0; i < 300; ++i) { // enough for the cancelled timers to be thrown out
        Future<int> future(loop);
        future.add_done_callback([captured](Future<int>) {});
        loop.call_soon([future] { future.set_result(7); });
        CHECK(run_coroutine(loop, with_timeout(future, 1h)) == 7);
    }
    CHECK(run_coroutine(loop, wait_for(give(42), std::nullopt)) == 42);
    CHECK(captured.use_count() == 1);
}

TEST_CASE("TimeoutError comes when the cancelled task has ended") {
    EventLoop loop;
    std::string log;
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(clean_up_slowly(log), 5ms)), TimeoutError);
    CHECK(log == "cleaned up");
    CHECK(tasks_of(loop).empty());
}

TEST_CASE("a timeout of zero or less starts nothing, but takes a result that is there") {
    for (std::chrono::nanoseconds timeout : {0ns, -5ns}) {
        EventLoop loop;
        std::string log;
        Future<int> done(loop);
        done.set_result(42);
        CHECK(run_coroutine(loop, with_timeout(done, timeout)) == 42);
        CHECK_THROWS_AS(run_coroutine(loop, wait_for(append(log, 'A'), timeout)), TimeoutError);
        CHECK(log == ""); // never started
        Task<void> running = create_task(loop, sleep_long(log, 'x'));
        run_one_iteration(loop);
        CHECK_THROWS_AS(run_coroutine(loop, wait_for(running, timeout)), TimeoutError);
        CHECK(running.cancelled());
    }
}

TEST_CASE("whoever is cancelled in wait_for cancels the inner task and gets CancelledError") {
    EventLoop loop;
    std::string log;
    Task<void> inner = create_task(loop, sleep_long(log, 'x'));
    Task<void> outer = create_task(loop, wait_for(inner, 60s));
    run_one_iteration(loop);
    run_one_iteration(loop);
    outer.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, outer), CancelledError);
    CHECK(inner.cancelled());
}

TEST_CASE("a cancellation during the clean-up after a timeout is not lost") {
    struct Body {
        static Coroutine<void> clean_up_until(Future<void> gate, std::string& log) {
            bool is_cancelled = false;
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                is_cancelled = true;
            }
            if (is_cancelled) {
                log += "cleaning";
                co_await gate;
            }
        }
    };
    EventLoop loop;
    std::string log;
    Future<void> gate(loop);
    Task<void> outer = create_task(loop, wait_for(Body::clean_up_until(gate, log), 1us));
    while (log.empty()) {
        run_coroutine(loop, give_later(0, 1ms));
    }
    CHECK_FALSE(outer.done()); // the timeout has come, the inner task cleans up
    CHECK(outer.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, outer), CancelledError);
    CHECK(gate.cancelled());
}

TEST_CASE("wait_for loses no item when it is cancelled in the iteration in which that comes") {
    struct Body {
        static Coroutine<void> consume(Queue<int>& queue, int& got) {
            got = co_await wait_for(queue.get(), 1h);
        }
    };
    for (int iterations : {0, 1, 2}) {
        CAPTURE(iterations);
        EventLoop loop;
        Queue<int> queue;
        int got = 0;
        Task<void> consumer = create_task(loop, Body::consume(queue, got));
        run_one_iteration(loop);
        queue.put_nowait(1);
        for (int i = 0; i < iterations; ++i) {
            run_one_iteration(loop);
        }
        if (consumer.cancel()) {
            CHECK_THROWS_AS(run_until_complete(loop, consumer), CancelledError);
        }
        CHECK(queue.size() + static_cast<std::size_t>(got) == 1);
    }
}

TEST_CASE("wait_for of a task that has cancelled itself before gives CancelledError") {
    struct Body {
        static Coroutine<void> without_time(std::optional<Task<void>>& myself) {
            myself->cancel();
            co_await wait_for(give(1), 0s);
        }
        static Coroutine<void> clean_up_too_slowly(std::optional<Task<void>>& myself,
                                                   std::string& log) {
            myself->cancel();
            co_await wait_for(clean_up_slowly(log), 1us);
        }
    };
    EventLoop loop;
    std::string log;
    std::optional<Task<void>> task;
    task = create_task(loop, Body::without_time(task));
    CHECK_THROWS_AS(run_until_complete(loop, *task), CancelledError);
    task = create_task(loop, Body::clean_up_too_slowly(task, log));
    CHECK_THROWS_AS(run_until_complete(loop, *task), CancelledError);
}

TEST_CASE(
    "wait_for that is cancelled in the iteration in which it began waits for the clean-up") {
    EventLoop loop;
    std::string log;
    Task<int> task = create_task(loop, wait_for(clean_up_slowly(log), 1h));
    run_one_iteration(loop);
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(log == "cleaned up");
}

TEST_CASE("wait_for ends also what waits again and again for what is there at once") {
    struct Body {
        static Coroutine<void> give_up_turns() {
            for (int i = 0; i < 100'000; ++i) { // fails instead of hanging
                co_await sleep(0ms);
            }
        }
        static Coroutine<void> produce_for_ever(Queue<int>& queue) {
            while (true) {
                queue.put_nowait(1);
                co_await sleep(0ms);
            }
        }
    };
    EventLoop loop;
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(Body::give_up_turns(), 1us)), TimeoutError);
    Queue<int> queue;
    create_task(loop, Body::produce_for_ever(queue));
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(consume(queue, 100'000), 1us)), TimeoutError);
    cancel_all_tasks(loop);
}

TEST_CASE("wait_for with a timeout of 400 years, or of minus 400") {
    EventLoop loop;
    constexpr auto LONG = std::chrono::hours(400 * 365 * 24);
    CHECK(run_coroutine(loop, wait_for(give(1), LONG)) == 1);
    Future<int> future(loop);
    loop.call_later(1ms, [future] { future.set_result(2); });
    CHECK(run_coroutine(loop, wait_for(future, LONG)) == 2);
    CHECK_THROWS_AS(run_coroutine(loop, wait_for(give(1), -LONG)), TimeoutError);
}

TEST_CASE("a result in the same iteration as the timeout wins") {
    EventLoop loop;
    Future<int> future(loop);
    Task<int> task = create_task(loop, with_timeout(future, 1ms));
    run_one_iteration(loop); // starts the timer
    Clock::time_point due = Clock::now() + 2ms;
    while (Clock::now() < due) { // now the timer is due, but has not run
    }
    loop.call_soon([future] { future.set_result(42); });
    CHECK(run_until_complete(loop, task) == 42);
}

TEST_CASE("sleeps side by side take as long as the longest") {
    struct Body {
        static Coroutine<void> sleep_three_times() {
            co_await gather(sleep(20ms), sleep(30ms), sleep(10ms));
        }
    };
    EventLoop loop;
    Clock::time_point start = Clock::now();
    std::string value = run_coroutine(loop, sleep(1ms, std::string("value")));
    CHECK(value == "value");
    run_coroutine(loop, Body::sleep_three_times());
    CHECK(Clock::now() - start >= 31ms);
    Task<void> negative = create_task(loop, sleep(-1s));
    run_one_iteration(loop);
    run_one_iteration(loop);
    CHECK(negative.done());
}

// ---- executor -------------------------------------------------------------------------------

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

// ---- sockets --------------------------------------------------------------------------------

namespace {

std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

struct Connection {
    AsyncSocket ours;
    AsyncSocket theirs;

    static Connection open(EventLoop& loop) {
        Socket listener = listen_on("127.0.0.1", 0);
        Socket theirs = connect_to("127.0.0.1", port_of(listener.address()));
        return {AsyncSocket(loop, listener.accept()), AsyncSocket(loop, std::move(theirs))};
    }
};

Coroutine<std::string> receive(AsyncSocket socket) {
    co_return co_await socket.recv(100);
}

Coroutine<std::size_t> receive_all(AsyncSocket socket) {
    std::size_t total = 0;
    while (true) {
        std::string data = co_await socket.recv(16384);
        if (data.empty()) {
            co_return total;
        }
        total += data.size();
    }
}

Coroutine<void> send(AsyncSocket socket, std::string data) {
    co_await socket.send_all(data);
}

} // namespace

TEST_CASE("accept gives a non-blocking socket and the right address") {
    struct Body {
        static Coroutine<AsyncSocket> accept(AsyncSocket listener) {
            co_return co_await listener.accept();
        }
    };
    EventLoop loop;
    AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
    Task<AsyncSocket> accepting = create_task(loop, Body::accept(listener));
    Socket client = connect_to("127.0.0.1", port_of(listener.address()));
    AsyncSocket server = run_until_complete(loop, static_cast<Future<AsyncSocket>>(accepting));
    CHECK(server.address().starts_with("127.0.0.1:"));
    CHECK(port_of(server.address()) != port_of(listener.address()));
    // Receiving from it does not block the loop.
    Task<std::string> receiving = create_task(loop, receive(server));
    run_one_iteration(loop);
    client.send_all("hello");
    CHECK(run_until_complete(loop, receiving) == "hello");
}

TEST_CASE("recv gives data, is empty at the end of stream, and throws after a reset") {
    EventLoop loop;
    {
        Connection connection = Connection::open(loop);
        run_coroutine(loop, send(connection.theirs, "hello"));
        CHECK(run_coroutine(loop, receive(connection.ours)) == "hello");
    }
    Socket listener = listen_on("127.0.0.1", 0);
    {
        std::optional<Socket> theirs = connect_to("127.0.0.1", port_of(listener.address()));
        AsyncSocket ours(loop, listener.accept());
        theirs.reset();
        CHECK(run_coroutine(loop, receive(ours)) == "");
    }
    std::optional<Socket> theirs = connect_to("127.0.0.1", port_of(listener.address()));
    AsyncSocket ours(loop, listener.accept());
    run_coroutine(loop, send(ours, "unread"));
    Task<std::string> receiving = create_task(loop, receive(ours));
    run_one_iteration(loop);
    theirs.reset(); // with unread data: a reset
    CHECK_THROWS_AS(run_until_complete(loop, receiving), std::system_error);
}

TEST_CASE("connect fails where nobody listens, and accept can be given a timeout") {
    struct Body {
        static Coroutine<void> accept_with_timeout(AsyncSocket listener) {
            co_await wait_for(listener.accept(), 5ms);
        }
        static Coroutine<void> connect(std::uint16_t port) {
            co_await AsyncSocket::connect(resolve("127.0.0.1", port).front());
        }
    };
    EventLoop loop;
    std::uint16_t port = 0;
    {
        AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
        port = port_of(listener.address());
        run_coroutine(loop, Body::connect(port));
        { // takes that connection out of the queue, so that the next accept has to wait
            struct Accept {
                static Coroutine<void> one(AsyncSocket socket) { co_await socket.accept(); }
            };
            run_coroutine(loop, Accept::one(listener));
        }
        CHECK_THROWS_AS(run_coroutine(loop, Body::accept_with_timeout(listener)), TimeoutError);
    }
    CHECK_THROWS_AS(run_coroutine(loop, Body::connect(port)), std::system_error);
}

TEST_CASE("a cancelled recv removes its reader, and the next one gets the data whole") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Task<std::string> cancelled = create_task(loop, receive(connection.ours));
    run_one_iteration(loop);
    cancelled.cancel();
    cancelled.cancel(); // a second request changes nothing
    CHECK_THROWS_AS(run_until_complete(loop, cancelled), CancelledError);
    Task<std::string> second = create_task(loop, receive(connection.ours));
    run_coroutine(loop, send(connection.theirs, "hello"));
    CHECK(run_until_complete(loop, second) == "hello");
}

TEST_CASE("a recv that is cancelled in the iteration in which data comes loses nothing") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Task<std::string> cancelled = create_task(loop, receive(connection.ours));
    run_one_iteration(loop);
    run_coroutine(loop, send(connection.theirs, "hello"));
    if (cancelled.cancel()) {
        CHECK_THROWS_AS(run_until_complete(loop, cancelled), CancelledError);
        CHECK(run_coroutine(loop, receive(connection.ours)) == "hello");
    } else {
        CHECK(cancelled.result() == "hello");
    }
}

TEST_CASE("two tasks read and write the same socket at once, and a third one is refused") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    std::string data(4 << 20, 'x');
    Task<std::size_t> ours = create_task(loop, receive_all(connection.ours));
    Task<std::size_t> theirs = create_task(loop, receive_all(connection.theirs));
    Task<void> sending = create_task(loop, send(connection.ours, data));
    run_one_iteration(loop);
    CHECK_THROWS_AS(run_coroutine(loop, receive(connection.ours)), std::logic_error);
    run_coroutine(loop, send(connection.theirs, data));
    run_until_complete(loop, sending);
    CHECK_FALSE(ours.done());
    cancel_all_tasks(loop);
    CHECK(ours.cancelled());
}

TEST_CASE("an operation keeps its socket open") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    AsyncSocket theirs = connection.theirs;
    auto receiving = AsyncSocket(connection.ours).recv(100); // that one is gone
    connection = Connection{theirs, theirs};
    Task<std::string> task = create_task(loop, std::move(receiving));
    run_coroutine(loop, send(theirs, "hello"));
    CHECK(run_until_complete(loop, task) == "hello");
    CHECK(run_coroutine(loop, receive(theirs)) == ""); // now it is closed
}

TEST_CASE("recv of no bytes is an error and not the end of the stream") {
    struct Body {
        static Coroutine<void> receive_nothing(AsyncSocket socket) { co_await socket.recv(0); }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_coroutine(loop, send(connection.theirs, "hello"));
    CHECK_THROWS_AS(run_coroutine(loop, Body::receive_nothing(connection.ours)),
                    std::invalid_argument);
    CHECK(run_coroutine(loop, receive(connection.ours)) == "hello");
}

TEST_CASE("accept of a socket that does not listen fails") {
    struct Body {
        static Coroutine<void> accept(AsyncSocket socket) { co_await socket.accept(); }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_coroutine(loop, send(connection.theirs, "x"));
    CHECK_THROWS_AS(run_coroutine(loop, Body::accept(connection.ours)), std::system_error);
}

TEST_CASE("a second sender is refused before anything of it is sent") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    std::string data(8 << 20, 'x');
    Task<void> first = create_task(loop, send(connection.ours, data));
    run_one_iteration(loop);
    REQUIRE_FALSE(first.done());
    Task<std::size_t> received = create_task(loop, receive_all(connection.theirs));
    run_one_iteration(loop);
    run_one_iteration(loop); // now there is room again
    CHECK_THROWS_AS(run_coroutine(loop, send(connection.ours, "y")), std::logic_error);
    run_until_complete(loop, first);
    connection.ours = connection.theirs; // closes it
    CHECK(run_until_complete(loop, received) == data.size());
}

TEST_CASE("a task that only sends lets the others have their turn") {
    struct Body {
        static Coroutine<void> send_for_ever(AsyncSocket socket, int& sent) {
            while (true) {
                co_await socket.send_all("x");
                ++sent;
            }
        }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    int sent = 0;
    Task<void> task = create_task(loop, Body::send_for_ever(connection.ours, sent));
    run_one_iteration(loop);
    CHECK(sent < 100); // the kernel would have taken many more
    int sent_before = sent;
    run_one_iteration(loop);
    CHECK(sent > sent_before); // and it goes on
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
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
    CHECK(run_coroutine(loop, receive(theirs)) == ""); // it is closed
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

// ---- run and the await tree
// ---- run and the await tree -----------------------------------------------------------------

TEST_CASE("run cancels the other tasks when main has ended, and they may clean up") {
    struct Body {
        static Coroutine<void> main(std::string& log) {
            create_task(clean_up_slowly(log));
            co_await sleep(1ms);
        }
    };
    EventLoop loop;
    std::string log;
    run(loop, Body::main(log));
    CHECK(log == "cleaned up");
}

TEST_CASE("run brings a task to its end that stops the loop while it is cancelled") {
    struct Body {
        static Coroutine<void> stop_and_go_on(std::string& log) {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                EventLoop::running().stop();
            }
            co_await sleep(1ms);
            log = "went on";
        }
        static Coroutine<void> main(std::string& log) {
            create_task(stop_and_go_on(log));
            co_await sleep(1ms);
        }
    };
    EventLoop loop;
    std::string log;
    run(loop, Body::main(log));
    CHECK(log == "went on");
    CHECK_FALSE(loop.remove_signal_handler(SIGINT)); // run has done so
}

TEST_CASE("run throws the error of main, and SIGINT and SIGTERM end it without one") {
    struct Body {
        static Coroutine<void> throw_error() {
            co_await sleep(0ms);
            throw std::runtime_error("broken");
        }
        static Coroutine<void> raise_signal(int signal, std::string& log) {
            Witness witness{log, 'W'};
            ::raise(signal);
            co_await sleep(1h);
        }
    };
    EventLoop loop;
    CHECK_THROWS_WITH(run(loop, Body::throw_error()), "broken");
    std::string log;
    run(loop, Body::raise_signal(SIGINT, log));
    run(loop, Body::raise_signal(SIGTERM, log));
    CHECK(log == "WW");
}

TEST_CASE("run: a second SIGINT ends the program though a task refuses to end") {
    struct Body {
        static Coroutine<void> refuse_to_end() {
            while (true) {
                try {
                    co_await sleep(1ms);
                } catch (const CancelledError&) {
                }
                ::raise(SIGINT);
            }
        }
        static Coroutine<void> main() {
            create_task(refuse_to_end());
            co_return;
        }
    };
    Child child(::fork());
    if (child.pid() == 0) {
        ::alarm(10);
        EventLoop loop;
        run(loop, Body::main());
        ::_exit(0);
    }
    CHECK(child.reap().signal == SIGINT);
}

TEST_CASE("what shield protects goes on when whoever awaits it is cancelled") {
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

TEST_CASE("the await tree shows every task and where it waits") {
    EventLoop loop;
    reports_of(loop);
    Future<int> future(loop);
    std::string log;
    Task<void> inner = create_task(loop, wait_two_levels_down(future, log));
    create_task(loop, wait_for(inner, std::nullopt));
    run_one_iteration(loop);
    create_task(loop, append(log, 'z'));
    std::ostringstream out;
    print_await_tree(loop, out);
    std::string tree = out.str();
    CAPTURE(tree);
    CHECK(tree.starts_with("await tree of 3 tasks\n"));
    auto has = [&](const std::string& text) { return tree.find(text) != std::string::npos; };
    std::string number = std::to_string(tasks_of(loop).begin()->first);
    CHECK(has("Task-" + number + "\n  wait_two_levels_down  tests.cpp:"));
    CHECK(has("\n    wait_for_it  tests.cpp:"));
    CHECK(has("\n  await_in_time  timeout.hpp:"));
    CHECK(has("\n    Task-" + number + "\n")); // what that one waits for
    CHECK(has("\n  has not started\n"));
}

TEST_CASE("the await tree of one task") {
    EventLoop loop;
    std::string log;
    create_task(loop, append(log, 'a'));
    std::ostringstream out;
    print_await_tree(loop, out);
    CHECK(out.str().starts_with("await tree of 1 task\n"));
}

// ---- the event loop and the Future, which have come unchanged ------------------------------

TEST_CASE("an exception handler may replace itself") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    std::weak_ptr<int> still_there = captured;
    std::string log;
    loop.set_exception_handler([&, captured = std::move(captured)](const ExceptionContext&) {
        std::string& the_log = log; // what the handler has captured may be gone in a moment
        std::weak_ptr<int>& is_captured = still_there;
        loop.set_exception_handler([&](const ExceptionContext&) { log += "second"; });
        the_log += is_captured.expired() ? "destroyed " : "first ";
    });
    loop.call_soon([] { throw 1; });
    loop.call_soon([] { throw 2; });
    run_one_iteration(loop);
    CHECK(log == "first second");
    CHECK(still_there.expired());
}

TEST_CASE("a descriptor that cannot exist is an error with every selector") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        CHECK_THROWS_AS(loop.add_reader(-1, [] {}), std::system_error);
        CHECK_THROWS_AS(loop.add_writer(-1, [] {}), std::system_error);
        CHECK_FALSE(loop.remove_reader(-1));
        run_one_iteration(loop);
    }
}

TEST_CASE("a descriptor that is reported though nobody waits for it is ignored") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        SocketPair pair;
        int calls = 0;
        int number = pair.ours.fd();
        loop.add_reader(number, [&] { ++calls; });
        Socket copy(::dup(number),
                    "copy"); // so epoll does not notice that the number is closed
        pair.ours.close();
        CHECK(loop.remove_reader(number));
        pair.theirs.send_all("x");
        run_one_iteration(loop);
        CHECK(calls == 0);
    }
}

TEST_CASE("a descriptor number that is used again though remove_reader was forgotten") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        auto closed = std::make_unique<SocketPair>();
        int number = closed->ours.fd();
        loop.add_reader(number, [] {});
        closed.reset();
        SocketPair pair; // gets the lowest numbers that are free
        REQUIRE(pair.ours.fd() == number);
        bool is_called = false;
        loop.add_reader(number, [&] { is_called = true; });
        pair.theirs.send_all("x");
        run_one_iteration(loop);
        CHECK(is_called == (name == "poll" || name == "select"));
        loop.remove_reader(number);
    }
}

TEST_CASE("a timer of 400 years does not run at once") {
    EventLoop loop;
    bool has_run = false;
    loop.call_later(std::chrono::hours(400 * 365 * 24), [&] { has_run = true; });
    run_one_iteration(loop);
    CHECK_FALSE(has_run);
    loop.call_later(-std::chrono::hours(400 * 365 * 24), [&] { loop.stop(); });
    loop.run_forever(); // returns
    CHECK_FALSE(has_run);
}

TEST_CASE("a cancelled timer at the front wakes nobody") {
    Timers timers;
    timers.add(Clock::now() + 1h, [] {}).cancel();
    Clock::time_point when = Clock::now() + 2h;
    timers.add(when, [] {});
    CHECK(timers.next() == when);
    CHECK(timers.size() == 1);
}

TEST_CASE("a callback that was added from another thread before call_soon runs before") {
    EventLoop loop;
    std::string log;
    std::thread([&] { loop.call_soon_threadsafe([&] { log += 'A'; }); }).join();
    loop.call_soon([&] { log += 'B'; });
    loop.call_soon_threadsafe([&] { log += 'C'; });
    loop.call_soon([&] { log += 'D'; });
    run_one_iteration(loop);
    CHECK(log == "ABCD");
}

TEST_CASE("a callback that calls close when it is destroyed by close") {
    EventLoop loop;
    SocketPair pair;
    int calls = 0;
    auto closer = [&] {
        return std::shared_ptr<void>(nullptr, [&](void*) {
            ++calls;
            loop.close();
        });
    };
    loop.call_soon([closes = closer()] {});
    loop.call_later(1h, [closes = closer()] {});
    loop.add_reader(pair.ours.fd(), [closes = closer()] {});
    loop.call_soon_threadsafe([closes = closer()] {});
    loop.add_signal_handler(SIGUSR1, [closes = closer()] {});
    loop.close(); // returns
    CHECK(calls == 5);
}

TEST_CASE("to cancel a Future that has failed counts as looking at its exception") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Future<int> future(loop);
        future.set_exception(error("nobody cares"));
        CHECK_FALSE(future.cancel());
        CHECK_THROWS_WITH(future.result(), "nobody cares");
        Future<int> not_looked_at(loop);
        not_looked_at.set_exception(error("nobody cares"));
        CHECK_FALSE(not_looked_at.cancel());
    }
    CHECK(reports->empty());
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

TEST_CASE("a sleep of 400 years does not end at once") {
    EventLoop loop;
    Future<void> sleeping = sleep(loop, std::chrono::hours(400 * 365 * 24));
    run_one_iteration(loop);
    CHECK_FALSE(sleeping.done());
}

// ---- the programs
// ---- the programs ---------------------------------------------------------------------------

TEST_CASE("on SIGUSR1 the echo server prints its await tree, and goes on") {
    ServerSetup setup;
    setup.collect_errors = true;
    ServerProcess server(PROGRAMS "/echo_server", setup);
    Socket client = connect_to("127.0.0.1", server.port());
    client.send_all("x");
    CHECK(client.recv(1) == "x");
    server.signal(SIGUSR1);
    std::string errors = server.errors_until("echo_handler");
    CHECK(errors.find("await tree of 2 tasks") != std::string::npos);
    CHECK(errors.find("  echo_server  echo_server.cpp:") != std::string::npos);
    client.send_all("y");
    CHECK(client.recv(1) == "y");
}

TEST_CASE("producer_consumer ends, with every job done or given up") {
    Finished finished = run_program(PROGRAMS "/producer_consumer", {});
    CHECK(finished.ending.status == 0);
    CHECK(finished.errors == "");
    for (const char* job : {"quick1", "quick2", "quick3"}) {
        CHECK(finished.output.find(std::string("finished ") + job) != std::string::npos);
    }
    for (const char* job : {"slow1", "slow2", "slow3"}) {
        CHECK(finished.output.find(std::string("given up ") + job) != std::string::npos);
    }
    CHECK(finished.output.find("all jobs are done\nworker 1 was cancelled\n") !=
          std::string::npos);
}
