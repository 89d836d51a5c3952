// What coroutines, Tasks and run guarantee; the tests of the event loop are in stage 04.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "run.hpp"
#include "task.hpp"

#include "support/testing/unit_tests.hpp"

#include <chrono>
#include <coroutine>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

// co_await NextTurn{loop}
struct NextTurn {
    EventLoop& loop;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        loop.call_soon([waiting] { waiting.resume(); });
    }
    void await_resume() const {}
};

Coroutine<int> give(EventLoop& loop, int value) {
    co_await NextTurn{loop};
    co_return value;
}
Coroutine<void> fail(EventLoop& loop, std::string& log) {
    Witness witness{log, 'f'};
    co_await NextTurn{loop};
    throw std::runtime_error("broken");
}
Coroutine<void> wait_long(EventLoop& loop, std::string& log) {
    Witness witness{log, 'i'};
    try {
        co_await sleep(loop, 1h);
        log += '!';
    } catch (...) {
        log += "caught";
    }
}
Coroutine<void> wait_one_level_down(EventLoop& loop, std::string& log) {
    Witness witness{log, 'o'};
    co_await wait_long(loop, log);
}
Coroutine<void> await(Coroutine<int>& coroutine, std::string& log) {
    try {
        int value = co_await coroutine;
        log += std::to_string(value);
    } catch (const std::logic_error&) {
        log += "refused ";
    }
}
Coroutine<int> nest(EventLoop& loop, int depth) {
    if (depth == 0) {
        co_return co_await give(loop, 0);
    }
    int below = co_await nest(loop, depth - 1);
    co_return below + 1;
}

} // namespace

TEST_SUITE_BEGIN("coroutine.hpp");

TEST_CASE("a coroutine is lazy: forgotten, it does not run, and leaves nothing") {
    std::string log;
    auto captured = std::make_shared<int>(0);
    auto body = [&](std::shared_ptr<int>) -> Coroutine<void> {
        log += "runs";
        co_return;
    };
    static_cast<void>(body(captured));
    CHECK(captured.use_count() == 1);
    CHECK(log == "");
}

TEST_CASE("values come back through every level, also those that can only be moved") {
    EventLoop loop;
    auto box = [&](int value) -> Coroutine<std::unique_ptr<int>> {
        int given = co_await give(loop, value);
        co_return std::make_unique<int>(given);
    };
    int sum = 0;
    auto main = [&]() -> Coroutine<void> {
        std::unique_ptr<int> first = co_await box(42);
        Coroutine<std::unique_ptr<int>> named = box(1000);
        std::unique_ptr<int> second = co_await named;
        sum = *first + *second;
        sum += co_await nest(loop, 1000);
    };
    run_to_the_end(loop, main());
    CHECK(sum == 2042);
}

TEST_CASE("an exception passes through every level, and may be caught or replaced in each") {
    EventLoop loop;
    std::string log;
    auto replace = [&]() -> Coroutine<void> {
        Witness witness{log, 'r'};
        try {
            co_await fail(loop, log);
        } catch (const std::runtime_error& caught) {
            log += caught.what();
            throw std::logic_error("replaced");
        }
    };
    auto pass = [&]() -> Coroutine<int> {
        Witness witness{log, 'p'};
        co_await replace();
        co_return 42;
    };
    auto main = [&]() -> Coroutine<void> {
        try {
            co_await pass();
        } catch (const std::logic_error& caught) {
            log += caught.what();
        }
        int given = co_await give(loop, 1); // goes on as usual
        log += std::to_string(given);
    };
    run_to_the_end(loop, main());
    CHECK(log == "fbrokenrpreplaced1");
}

TEST_CASE("a coroutine that is awaited twice, or was moved from, is an error, and no crash") {
    EventLoop loop;
    std::string log;
    Coroutine<int> shared = give(loop, 42);
    auto main = [&]() -> Coroutine<void> {
        create_task(await(shared, log));
        co_await await(shared, log); // while the Task awaits it
        co_await sleep(loop, 1ms);
        co_await await(shared, log); // when it has ended
        Coroutine<int> moved = std::move(shared);
        co_await await(shared, log);
    };
    run_to_the_end(loop, main());
    CHECK(log == "refused 42refused refused ");
}

TEST_CASE("100,000 awaits that wait need no stack") {
    EventLoop loop;
    int sum = 0;
    auto main = [&]() -> Coroutine<void> {
        for (int i = 0; i < 100'000; ++i) {
            sum += co_await give(loop, 1);
        }
    };
    run_to_the_end(loop, main());
    CHECK(sum == 100'000);
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("task.hpp");

TEST_CASE("a Task runs to its first wait at once, and destroys itself at its end") {
    EventLoop loop;
    std::string log;
    auto captured = std::make_shared<int>(0);
    auto body = [&](char name, std::shared_ptr<int>) -> Coroutine<void> {
        for (int i = 0; i < 3; ++i) {
            log += name;
            co_await NextTurn{loop};
        }
    };
    create_task(body('A', captured));
    create_task(body('B', captured));
    CHECK(log == "AB");
    CHECK(Task::pending.size() == 2);
    run_until(loop, [&] { return Task::pending.empty(); });
    CHECK(log == "ABABAB");
    CHECK(captured.use_count() == 1);
}

TEST_CASE("an exception that leaves a Task is reported, and ends nothing else") {
    EventLoop loop;
    std::string log;
    int given = 0;
    auto throw_int = []() -> Coroutine<void> {
        throw 42;
        co_return;
    };
    auto go_on = [&]() -> Coroutine<void> { given = co_await give(loop, 1); };
    Coroutine<void> moved_from = throw_int();
    Coroutine<void> moved = std::move(moved_from);
    CapturedErrors errors;
    create_task(fail(loop, log));
    create_task(go_on());
    create_task(std::move(moved));
    create_task(std::move(moved_from));
    run_until(loop, [&] { return Task::pending.empty(); });
    CHECK(errors.text() == "exception in a Task: an exception that is not a std::exception\n"
                           "exception in a Task: this coroutine was awaited before\n"
                           "exception in a Task: broken\n");
    CHECK(given == 1);
}

TEST_CASE("a Task that a destructor starts at the end is destroyed, too") {
    std::string log;
    EventLoop loop;
    struct StartsTask {
        EventLoop& loop;
        std::string& log;
        ~StartsTask() { create_task(wait_long(loop, log)); }
    };
    auto wait = [&]() -> Coroutine<void> {
        StartsTask starts_task{loop, log};
        co_await sleep(loop, 1h);
    };
    create_task(wait());
    destroy_pending_tasks();
    CHECK(Task::pending.empty());
    CHECK(log == "i");
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("run.hpp");

TEST_CASE("run returns when main has ended, at once or later, and a program may run again") {
    std::string log;
    for (bool is_at_once : {true, false, true}) {
        EventLoop loop;
        auto main = [&]() -> Coroutine<void> {
            if (!is_at_once) {
                co_await sleep(loop, 1ms);
            }
            log += 'm';
        };
        run_to_the_end(loop, main());
    }
    CHECK(log == "mmm");
}

TEST_CASE("run throws what main has thrown, at once or later") {
    for (bool is_at_once : {true, false}) {
        EventLoop loop;
        auto main = [&]() -> Coroutine<void> {
            if (!is_at_once) {
                co_await sleep(loop, 1ms);
            }
            throw std::runtime_error("broken");
        };
        CHECK_THROWS_WITH(run_to_the_end(loop, main()), "broken");
    }
}

TEST_CASE(
    "at the end run destroys the Tasks that wait, innermost first, and they do not run on") {
    for (int signal : {0, SIGINT, SIGTERM}) {
        CAPTURE(signal);
        std::string log;
        SocketPair pair;
        EventLoop loop;
        auto wait = [&](AsyncSocket socket) -> Coroutine<void> {
            create_task(wait_one_level_down(loop, log));
            co_await socket.recv(100);
        };
        auto main = [&]() -> Coroutine<void> {
            Witness witness{log, 'm'};
            create_task(wait(AsyncSocket(loop, std::move(pair.ours))));
            co_await sleep(loop, 1ms);
            if (signal != 0) {
                ::raise(signal);
                co_await sleep(loop, 1h);
            }
        };
        run_to_the_end(loop, main());
        CHECK((log == "iom" || log == "mio"));
        CHECK(Task::pending.empty());
        CHECK(pair.theirs.try_recv(1) == ""); // their socket is closed
    }
}

TEST_SUITE_END();
