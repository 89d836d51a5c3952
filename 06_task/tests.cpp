// How generators and Tasks behave; of Tasks, asyncio's own tests assert the same.
#include "async_socket.hpp"
#include "event_loop.hpp"
#include "executor.hpp"
#include "generator.hpp"
#include "run.hpp"
#include "scheduler.hpp"
#include "task.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
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

// A connection over loopback: two AsyncSockets of the same loop.
struct Connection {
    AsyncSocket ours;
    AsyncSocket theirs;

    static Connection open(EventLoop& loop) {
        Socket listener = listen_on("127.0.0.1", 0);
        std::string address = listener.address();
        auto port =
            static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
        Socket theirs = connect_to("127.0.0.1", port);
        return {AsyncSocket(loop, listener.accept()), AsyncSocket(loop, std::move(theirs))};
    }
};

// Writes to a log when it is destroyed, as a local variable of a generator that is destroyed.
struct Witness {
    std::string& log;
    char name;
    ~Witness() { log += name; }
};

} // namespace

// ---- generators -----------------------------------------------------------------------------

namespace {

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

Generator<std::string, std::string, int> delegate(std::string& log) {
    log = co_yield elements_of(converse());
    co_return 42;
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

Generator<int> delegate_to_one_that_catches(std::string& log) {
    co_yield elements_of(catch_what_is_thrown_in(log));
    co_yield 3;
}

Generator<int> delegate_to_one_that_fails(std::string& log) {
    try {
        co_yield elements_of(fail_after(1));
    } catch (const std::runtime_error& thrown) {
        log += thrown.what();
    }
    co_yield 2;
}

Generator<int> nest(int depth) {
    if (depth > 0) {
        co_yield elements_of(nest(depth - 1));
    }
    co_yield depth;
}

} // namespace

TEST_CASE("a generator runs when it is asked, and stops at each co_yield") {
    Generator<int> numbers = count_to(2);
    CHECK_FALSE(numbers.done());
    CHECK(numbers.next() == 1);
    CHECK(numbers.next() == 2);
    CHECK(numbers.next() == std::nullopt);
    CHECK(numbers.done());
    CHECK(numbers.next() == std::nullopt);
}

TEST_CASE("what send passes in is the value of the co_yield") {
    auto generator = converse();
    CHECK_THROWS_AS(generator.send("too early"), std::logic_error);
    CHECK(generator.next() == "hello");
    CHECK(generator.send("world") == "got world");
    CHECK(generator.send("!") == std::nullopt);
    CHECK(std::move(generator).result() == "world!");
}

TEST_CASE("yielded, sent and returned values pass through elements_of") {
    std::string log;
    auto generator = delegate(log);
    CHECK(generator.next() == "hello");
    CHECK(generator.send("world") == "got world");
    CHECK(log == "");
    CHECK(generator.send("!") == std::nullopt);
    CHECK(log == "world!");
    CHECK(std::move(generator).result() == 42);
}

TEST_CASE("an exception in a generator comes out of next()") {
    Generator<int> generator = fail_after(7);
    CHECK(generator.next() == 7);
    CHECK_THROWS_WITH(generator.next(), "broken");
    CHECK(generator.done());
    CHECK(generator.next() == std::nullopt);
}

TEST_CASE("throw_in makes the co_yield throw, and the generator may go on") {
    std::string log;
    Generator<int> generator = catch_what_is_thrown_in(log);
    CHECK(generator.next() == 1);
    CHECK(generator.throw_in(error("thrown ")) == 2);
    CHECK_THROWS_WITH(generator.throw_in(error("again")), "again");
    CHECK(log == "thrown W");
}

TEST_CASE("after throw_in before the start the body never runs") {
    std::string log;
    Generator<int> generator = catch_what_is_thrown_in(log);
    CHECK_THROWS_WITH(generator.throw_in(error("early")), "early");
    CHECK(generator.done());
    CHECK(log == "");
}

TEST_CASE("throw_in reaches the inner generator, and its errors reach the outer one") {
    std::string log;
    Generator<int> outer = delegate_to_one_that_catches(log);
    CHECK(outer.next() == 1);
    CHECK(outer.throw_in(error("inner ")) == 2);
    CHECK(outer.next() == 3);
    CHECK(outer.next() == std::nullopt);
    CHECK(log == "inner W");
    log.clear();
    Generator<int> catching = delegate_to_one_that_fails(log);
    CHECK(catching.next() == 1);
    CHECK(catching.next() == 2);
    CHECK(log == "broken");
}

TEST_CASE("close and the destructor destroy the local variables") {
    std::string log;
    {
        Generator<int> closed = catch_what_is_thrown_in(log);
        closed.next();
        closed.close();
        CHECK(log == "W");
        closed.close();
        Generator<int> destroyed = delegate_to_one_that_catches(log);
        destroyed.next();
        Generator<int> never_started = catch_what_is_thrown_in(log);
    }
    CHECK(log == "WW");
}

TEST_CASE("generators may be nested 1000 deep") {
    Generator<int> generator = nest(1000);
    for (int i = 0; i <= 1000; ++i) {
        REQUIRE(generator.next() == i);
    }
    CHECK(generator.next() == std::nullopt);
}

TEST_CASE("a loop over a generator gets all that it yields") {
    std::string log;
    Generator<int> numbers = count_to(3);
    for (int& number : numbers) {
        log += std::to_string(number);
    }
    CHECK(log == "123");
    CHECK(numbers.done());
    for (int number : numbers) {
        log += std::to_string(number);
    }
    CHECK(log == "123");
    Generator<int> failing = fail_after(7);
    auto read_all = [&] {
        for (int number : failing) {
            log += std::to_string(number);
        }
    };
    CHECK_THROWS_WITH(read_all(), "broken");
    CHECK(log == "1237");
}

TEST_CASE("a generator that asks itself for a value gets an error, also through a delegate") {
    struct Body {
        static Generator<int> ask(Generator<int>*& asked) {
            co_yield 1;
            CHECK_THROWS_AS(asked->next(), std::logic_error);
            CHECK_THROWS_AS(asked->throw_in(error("thrown in")), std::logic_error);
            co_yield 2;
        }
        static Generator<int> delegate(Generator<int>*& asked) {
            co_yield elements_of(ask(asked));
        }
    };
    Generator<int>* asked = nullptr;
    for (auto make : {Body::ask, Body::delegate}) {
        Generator<int> generator = make(asked);
        asked = &generator;
        CHECK(generator.next() == 1);
        CHECK(generator.next() == 2);
        CHECK(generator.next() == std::nullopt);
    }
}

TEST_CASE("a generator that was moved from or closed is an error, not a crash") {
    struct Body {
        static Generator<int> delegate(Generator<int> sub) {
            co_yield elements_of(std::move(sub));
        }
    };
    Generator<int> numbers = count_to(2);
    Generator<int> moved = std::move(numbers);
    CHECK_THROWS_AS(numbers.next(), std::logic_error);
    CHECK_THROWS_AS(Body::delegate(std::move(numbers)).next(), std::logic_error);
    CHECK(moved.next() == 1);
    moved.close();
    CHECK_THROWS_AS(moved.next(), std::logic_error);
}

// ---- tasks
// ---- tasks ----------------------------------------------------------------------------------

namespace {

Coroutine<void> append(std::string& log, char name) {
    log += name;
    co_return;
}

Coroutine<int> give(int value) {
    co_yield sleep(0ms);
    co_return value;
}

Coroutine<int> add_up() {
    int a = co_yield give(42);
    int b = co_yield give(1000);
    co_return a + b;
}

Coroutine<int> fail() {
    co_yield sleep(0ms);
    throw std::runtime_error("broken");
}

Coroutine<int> fail_two_levels_down() {
    co_return co_yield fail();
}

Coroutine<std::string> catch_error_of(Future<int> future) {
    std::string text = "no error";
    try {
        co_yield future;
    } catch (const std::runtime_error& caught) {
        text = std::string("caught ") + caught.what();
    }
    co_yield sleep(0ms); // goes on as usual
    co_return text;
}

Coroutine<int> await_twice(Future<int> future) {
    int first = co_yield future;
    int second = co_yield future;
    co_return first + second;
}

Coroutine<void> sleep_in_turns(std::string& log, char name) {
    for (int i = 0; i < 3; ++i) {
        log += name;
        co_yield sleep(0ms);
    }
}

Coroutine<void> wait_for(Future<int> future, std::string& log, char name) {
    Witness witness{log, name};
    co_yield future;
}

Coroutine<void> wait_two_levels_down(Future<int> future, std::string& log) {
    Witness witness{log, 'o'};
    co_yield wait_for(future, log, 'i');
}

Coroutine<int> catch_cancellation(Future<int> first, std::optional<Future<int>> second) {
    try {
        co_yield first;
    } catch (const CancelledError&) {
        if (!second) {
            co_return 42;
        }
    }
    co_return co_yield *second;
}

Coroutine<void> sleep_long() {
    co_yield sleep(1h);
}

Coroutine<void> cancel_myself_then_await(std::optional<Task<void>>& myself, Task<void> child) {
    myself->cancel();
    co_yield static_cast<Future<void>>(child);
}

} // namespace

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
    CHECK(run_until_complete(loop, create_task(loop, add_up())) == 1042);
}

TEST_CASE("an error ends the task, not the loop, and is thrown where the task is awaited") {
    EventLoop loop;
    Task<int> task = create_task(loop, fail_two_levels_down());
    CHECK_THROWS_WITH(run_until_complete(loop, task), "broken");
    CHECK(task.done());
    Task<std::string> awaiting = create_task(loop, catch_error_of(create_task(loop, fail())));
    CHECK(run_until_complete(loop, awaiting) == "caught broken");
}

TEST_CASE("an error of a task that nobody waits for is reported and hurts nobody") {
    EventLoop loop;
    auto reports = reports_of(loop);
    create_task(loop, fail());
    CHECK(run_until_complete(loop, create_task(loop, add_up())) == 1042);
    REQUIRE(reports->size() == 1);
    CHECK(reports->front() == "exception of a Future was never retrieved");
}

TEST_CASE("the error of a Future is thrown at the co_yield") {
    EventLoop loop;
    Future<int> future(loop);
    Task<std::string> task = create_task(loop, catch_error_of(future));
    loop.call_later(1ms, [future] { future.set_exception(error("E")); });
    CHECK(run_until_complete(loop, task) == "caught E");
}

TEST_CASE("a done Future can be awaited again, without suspension") {
    EventLoop loop;
    Future<int> future(loop);
    future.set_result(21);
    Task<int> task = create_task(loop, await_twice(future));
    run_one_iteration(loop);
    REQUIRE(task.done());
    CHECK(task.result() == 42);
}

TEST_CASE("current() is the task that runs") {
    EventLoop loop;
    struct Body {
        static Coroutine<void> check_current(std::vector<TaskBase*>& seen) {
            TaskBase* myself = TaskBase::current();
            seen.push_back(myself);
            for (int i = 0; i < 3; ++i) {
                co_yield sleep(0ms);
                CHECK(TaskBase::current() == myself);
            }
        }
    };
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

TEST_CASE("sleep(0) gives up one iteration, so tasks alternate") {
    EventLoop loop;
    std::string log;
    create_task(loop, sleep_in_turns(log, 'A'));
    create_task(loop, sleep_in_turns(log, 'B'));
    run_one_iteration(loop);
    CHECK(log == "AB");
    run_one_iteration(loop);
    CHECK(log == "ABAB");
    run_one_iteration(loop);
    CHECK(log == "ABABAB");
    run_one_iteration(loop);
}

TEST_CASE("a callback added before sleep(0) has run once after it") {
    EventLoop loop;
    struct Body {
        static Coroutine<void> run(EventLoop& loop, std::string& log) {
            loop.call_soon([&loop, &log] {
                log += "A";
                loop.call_soon([&log] { log += "later"; });
            });
            co_yield sleep(0ms);
            CHECK(log == "A");
        }
    };
    std::string log;
    run_until_complete(loop, create_task(loop, Body::run(loop, log)));
}

TEST_CASE("a task that is pending when its loop is closed is reported and destroyed") {
    std::string log;
    {
        EventLoop loop;
        auto reports = reports_of(loop);
        Future<int> never(loop);
        auto held = create_task(loop, wait_two_levels_down(never, log));
        create_task(loop, wait_for(Future<int>(loop), log, 'x')); // held by the loop only
        run_one_iteration(loop);
        run_one_iteration(loop);
        CHECK(log == "");
        loop.close();
        CHECK(reports->size() == 2);
        CHECK(reports->front().ends_with("was destroyed but it is pending"));
        CHECK(log.size() == 3); // the handle keeps the result, not the generators
        CHECK_FALSE(held.done());
    }
}

TEST_CASE("a coroutine that is destroyed cancels a task that was destroyed before") {
    struct CancelAtExit {
        Task<void> task;
        ~CancelAtExit() { task.cancel(); }
    };
    struct Body {
        static Coroutine<void> sleep_and_cancel(Task<void> other) {
            CancelAtExit at_exit{other};
            co_yield sleep(1h);
        }
    };
    EventLoop loop;
    auto reports = reports_of(loop);
    Task<void> other = create_task(loop, sleep_long());
    create_task(loop, Body::sleep_and_cancel(other));
    run_one_iteration(loop);
    loop.close();
    CHECK(reports->size() == 2);
}

TEST_CASE("cancel is a request that is fulfilled at the next step") {
    EventLoop loop;
    Task<void> task = create_task(loop, sleep_long());
    run_one_iteration(loop);
    CHECK(task.cancel());
    CHECK_FALSE(task.done());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    CHECK(task.cancelled());
    CHECK_FALSE(task.cancel());
}

TEST_CASE("a task that is cancelled before it starts never starts") {
    EventLoop loop;
    std::string log;
    Task<void> task = create_task(loop, append(log, 'A'));
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
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
    Task<void> task = create_task(loop, wait_for(future, log, 'x'));
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
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> child = create_task(loop, wait_for(future, log, 'c'));
    struct Body {
        static Coroutine<void> await(Task<void> task) {
            co_yield static_cast<Future<void>>(task);
        }
    };
    Task<void> parent = create_task(loop, Body::await(child));
    run_one_iteration(loop);
    parent.cancel();
    CHECK(future.cancelled());
    CHECK_THROWS_AS(run_until_complete(loop, parent), CancelledError);
    CHECK(child.cancelled());
    CHECK(log == "c");
}

TEST_CASE("a task that cancels itself and then awaits another one cancels both") {
    EventLoop loop;
    Task<void> child = create_task(loop, sleep_long());
    std::optional<Task<void>> parent;
    parent = create_task(loop, cancel_myself_then_await(parent, child));
    CHECK_THROWS_AS(run_until_complete(loop, *parent), CancelledError);
    CHECK(child.cancelled());
}

TEST_CASE("cancelling a sleep cancels its timer") {
    EventLoop loop;
    Task<void> task = create_task(loop, sleep_long());
    run_one_iteration(loop);
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
    std::weak_ptr<FutureState> state; // were the timer alive it would still hold it
    {
        Future<void> sleeping = sleep(loop, 1h);
        state = sleeping.state();
        sleeping.cancel();
    }
    run_one_iteration(loop);
    CHECK(state.expired());
}

TEST_CASE("a cancellation is not lost when the awaited Future is done in the same iteration") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    Task<void> task = create_task(loop, wait_for(future, log, 'x'));
    run_one_iteration(loop);
    future.set_result(1); // the task is going to be resumed
    CHECK(task.cancel());
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
}

TEST_CASE("a task that cancels itself at its very end is cancelled") {
    struct Body {
        static Coroutine<void> cancel_and_end(std::optional<Task<void>>& myself) {
            myself->cancel();
            co_return;
        }
    };
    EventLoop loop;
    std::optional<Task<void>> at_end;
    at_end = create_task(loop, Body::cancel_and_end(at_end));
    CHECK_THROWS_AS(run_until_complete(loop, *at_end), CancelledError);
}

TEST_CASE("a task that waits for itself, directly or not, gets an error instead of hanging") {
    struct Body {
        static Coroutine<void> await(std::optional<Task<void>>& other) {
            co_yield static_cast<Future<void>>(*other);
        }
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

TEST_CASE("a generator that is awaited a second time, or was moved from, is an error") {
    struct Body {
        static Coroutine<void> await_twice() {
            Coroutine<int> generator = give(1);
            int value = co_yield std::move(generator);
            CHECK(value == 1);
            co_yield std::move(generator);
        }
        static Coroutine<void> await_both(Coroutine<int>& generator, std::string& log) {
            try {
                int value = co_yield std::move(generator);
                log += std::to_string(value);
            } catch (const std::logic_error&) {
                log += "refused ";
            }
        }
    };
    EventLoop loop;
    CHECK_THROWS_AS(run_until_complete(loop, create_task(loop, Body::await_twice())),
                    std::logic_error);
    Coroutine<int> generator = give(1);
    create_task(loop, std::move(generator));
    CHECK_THROWS_AS(create_task(loop, std::move(generator)), std::logic_error);
    CHECK(tasks_of(loop).size() == 1);
    cancel_all_tasks(loop);
}

TEST_CASE("a task refuses a result that does not come from its generator") {
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

TEST_CASE("a Future of another loop is an error, and nothing runs in the other thread") {
    EventLoop loop;
    EventLoop other;
    Future<int> future(other);
    std::string log;
    Task<void> task = create_task(loop, wait_for(future, log, 'x'));
    CHECK_THROWS_AS(run_until_complete(loop, task), std::logic_error);
    future.set_result(1);
    run_one_iteration(other);
    CHECK(log == "x");
}

// To look further at each await would cost too much.
TEST_CASE(
    "a circle of 150 tasks is too long to be noticed, and to cancel one of them returns") {
    struct Body {
        static Coroutine<void> await(std::vector<Task<void>>& tasks, std::size_t number) {
            co_yield static_cast<Future<void>>(tasks[number % tasks.size()]);
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

TEST_CASE("a task that only sends lets the others have their turn") {
    struct Body {
        static Coroutine<void> send(AsyncSocket socket, int& sent) {
            while (true) {
                co_yield socket.send_all("x");
                ++sent;
            }
        }
    };
    EventLoop loop;
    Connection connection = Connection::open(loop);
    int sent = 0;
    Task<void> task = create_task(loop, Body::send(connection.ours, sent));
    run_one_iteration(loop);
    CHECK(sent < 100); // the kernel would have taken many more
    int sent_before = sent;
    run_one_iteration(loop);
    CHECK(sent > sent_before); // and it goes on
    task.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, task), CancelledError);
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

TEST_CASE("run cancels the other tasks when main has ended, and they may clean up") {
    struct Body {
        static Coroutine<void> clean_up_when_cancelled(std::string& log) {
            bool is_cancelled = false;
            try {
                co_yield sleep(1h);
            } catch (const CancelledError&) {
                is_cancelled = true;
            }
            if (is_cancelled) {
                co_yield sleep(1ms); // clean-up may wait
                log += "cleaned up";
            }
        }
        static Coroutine<void> main(std::string& log) {
            create_task(clean_up_when_cancelled(log));
            co_yield sleep(1ms);
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
                co_yield sleep(1h);
            } catch (const CancelledError&) {
                EventLoop::running().stop();
            }
            co_yield sleep(1ms);
            log = "went on";
        }
        static Coroutine<void> main(std::string& log) {
            create_task(stop_and_go_on(log));
            co_yield sleep(1ms);
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
            co_yield sleep(0ms);
            throw std::runtime_error("broken");
        }
        static Coroutine<void> raise_signal(int signal, std::string& log) {
            Witness witness{log, 'W'};
            ::raise(signal);
            co_yield sleep(1h);
        }
    };
    EventLoop loop;
    CHECK_THROWS_WITH(run(loop, Body::throw_error()), "broken");
    std::string log;
    run(loop, Body::raise_signal(SIGINT, log));
    run(loop, Body::raise_signal(SIGTERM, log));
    CHECK(log == "WW");
}

TEST_CASE("1000000 co_yields of generators that do not wait need no stack") {
    struct Body {
        static Coroutine<int> one() { co_return 1; }
        static Coroutine<int> sum() {
            int total = 0;
            for (int i = 0; i < 1'000'000; ++i) {
                total += co_yield one();
            }
            co_return total;
        }
    };
    EventLoop loop;
    CHECK(run_until_complete(loop, create_task(loop, Body::sum())) == 1'000'000);
}

TEST_CASE("two tasks read and write the same socket at once, and a task is cancelled there") {
    struct Body {
        static Coroutine<std::size_t> receive_all(AsyncSocket socket) {
            std::size_t total = 0;
            while (true) {
                std::string data = co_yield socket.recv(16384);
                if (data.empty()) {
                    co_return total;
                }
                total += data.size();
            }
        }
        static Coroutine<void> send(AsyncSocket socket, std::string data) {
            co_yield socket.send_all(data);
        }
    };
    EventLoop loop;
    Socket listener = listen_on("127.0.0.1", 0);
    std::string address = listener.address();
    Socket theirs = connect_to("127.0.0.1", static_cast<std::uint16_t>(std::stoi(
                                                address.substr(address.find(':') + 1))));
    AsyncSocket ours(loop, listener.accept());
    Task<std::size_t> idle = create_task(loop, Body::receive_all(ours));
    run_one_iteration(loop);
    idle.cancel();
    CHECK_THROWS_AS(run_until_complete(loop, idle), CancelledError);
    {
        AsyncSocket peer(loop, std::move(theirs));
        std::string data(4 << 20, 'x');
        create_task(loop, Body::receive_all(peer));
        create_task(loop, Body::send(ours, data));
        Task<std::size_t> received = create_task(loop, Body::receive_all(ours));
        Task<void> sent = create_task(loop, Body::send(peer, data));
        run_until_complete(loop, sent);
        CHECK_FALSE(received.done());
        received.cancel();
        CHECK_THROWS_AS(run_until_complete(loop, received), CancelledError);
        cancel_all_tasks(loop);
    }
}

TEST_CASE("a task waits for what a thread returns, and goes on in the loop's thread") {
    struct Body {
        static Coroutine<std::thread::id> ask_a_thread(EventLoop& loop,
                                                       std::thread::id& ran_in) {
            ran_in = co_yield run_in_executor(loop, [] { return std::this_thread::get_id(); });
            co_return std::this_thread::get_id();
        }
    };
    EventLoop loop;
    std::thread::id ran_in;
    Task<std::thread::id> task = create_task(loop, Body::ask_a_thread(loop, ran_in));
    CHECK(run_until_complete(loop, task) == std::this_thread::get_id());
    CHECK(ran_in != std::this_thread::get_id());
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
    Future<std::string> received = theirs.recv(100);
    CHECK(run_until_complete(loop, received) == ""); // it is closed
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

TEST_CASE("AsyncSocket: recv of no bytes is an error and not the end of the stream") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_until_complete(loop, connection.theirs.send_all("hello"));
    CHECK_THROWS_AS(run_until_complete(loop, connection.ours.recv(0)), std::invalid_argument);
    CHECK(run_until_complete(loop, connection.ours.recv(100)) == "hello");
}

TEST_CASE("AsyncSocket: accept of a socket that does not listen fails") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_until_complete(loop, connection.theirs.send_all("x"));
    Future<AsyncSocket> accepted = connection.ours.accept();
    CHECK_THROWS_AS(run_until_complete(loop, accepted), std::system_error);
}

TEST_CASE("run: a second SIGINT ends the program though a task refuses to end") {
    struct Body {
        static Coroutine<void> refuse_to_end() {
            while (true) {
                try {
                    co_yield sleep(1ms);
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

// ---- the other school: operations and a scheduler ------------------------------------------

namespace {

class Count : public Operation {
  public:
    explicit Count(int fd, int& count) : Operation(fd, WRITE), count_(&count) {}
    void result() const { rethrow_error(); }

  private:
    bool perform() override {
        ++*count_;
        return true;
    }

    int* count_;
};

class Fail : public Operation {
  public:
    explicit Fail(int fd) : Operation(fd, WRITE) {}
    void result() const { rethrow_error(); }

  private:
    bool perform() override { throw std::invalid_argument("broken operation"); }
};

struct Pipe {
    int ends[2];
    Pipe() { REQUIRE(::pipe(ends) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
};

} // namespace

TEST_CASE("scheduler: whatever a generator or an operation throws is the end of nothing else") {
    struct Body {
        static Routine<void> throw_int() {
            throw 42;
            co_return;
        }
        static Routine<void> perform_wrongly(int fd, std::string& log) {
            try {
                co_yield Fail(fd);
            } catch (const std::invalid_argument& caught) {
                log += caught.what();
            }
        }
        static Routine<void> end_later(std::string& log) {
            co_yield Sleep(1ms);
            log += " and went on";
        }
    };
    Scheduler scheduler(make_default_selector());
    Pipe pipe;
    std::string log;
    set_quiet(true);
    scheduler.submit(Body::throw_int());
    scheduler.submit(Body::perform_wrongly(pipe.ends[1], log));
    scheduler.submit(Body::end_later(log));
    scheduler.run();
    set_quiet(false);
    CHECK(log == "broken operation and went on");
}

TEST_CASE("scheduler: the longest sleep does not end at once, the shortest does") {
    struct Body {
        static Routine<void> sleep(std::chrono::nanoseconds delay, std::string& log) {
            co_yield Sleep(delay);
            log += delay > 0ns ? "long" : "short";
        }
        static Routine<void> stop_later(Scheduler& scheduler) {
            co_yield Sleep(1ms);
            scheduler.stop(nullptr);
        }
    };
    Scheduler scheduler(make_default_selector());
    std::string log;
    scheduler.submit(Body::sleep(std::chrono::nanoseconds::max(), log));
    scheduler.submit(Body::sleep(std::chrono::nanoseconds::min(), log));
    scheduler.submit(Body::stop_later(scheduler));
    scheduler.run();
    CHECK(log == "short");
}

TEST_CASE("scheduler: a generator that only sends lets the others have their turn") {
    struct Body {
        static Routine<void> send_without_end(int fd, int& count) {
            while (count < 1'000'000) { // fails instead of hanging
                co_yield Count(fd, count);
            }
        }
        static Routine<void> stop_later(Scheduler& scheduler) {
            co_yield Sleep(0ns);
            scheduler.stop(nullptr);
        }
    };
    Scheduler scheduler(make_default_selector());
    Pipe pipe;
    int count = 0;
    scheduler.submit(Body::send_without_end(pipe.ends[1], count));
    scheduler.submit(Body::stop_later(scheduler));
    scheduler.run();
    CHECK(count > 10);
    CHECK(count < 1000);
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

// ---- the lessons ----------------------------------------------------------------------------

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
          "a value was sent to a generator that has not started: call next() first\n"
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
