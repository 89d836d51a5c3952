// What Tasks, run and the scheduler guarantee; the tests of the event loop are in stage 04, those
// of the Future and of AsyncSocket in stage 05.
#include "async_socket.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "run.hpp"
#include "scheduler.hpp"
#include "task.hpp"

#include "common/selector.hpp"
#include "support/testing/unit_tests.hpp"

#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

std::exception_ptr error(const std::string& text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

// A loop that destroys the Tasks that still wait when a test is over.
struct Loop : EventLoop {
    ~Loop() { destroy_pending_tasks(); }
};

Coroutine<void> append(std::string& log, Future<std::string> future) {
    log += co_yield future;
}
Coroutine<int> give(EventLoop& loop, int value) {
    co_yield sleep(loop, 0ms);
    co_return value;
}
Coroutine<void> wait_for(Future<void> future, std::string& log, char name) {
    Witness witness{log, name};
    try {
        co_yield future;
        log += '!';
    } catch (...) {
        log += "caught";
    }
}
Coroutine<void> wait_one_level_down(Future<void> future, std::string& log) {
    Witness witness{log, 'o'};
    co_yield elements_of(wait_for(future, log, 'i'));
}

// An operation of the scheduler, done as soon as the descriptor can be written.
class Write : public Operation {
  public:
    Write(int fd, std::function<void()> action)
        : Operation(fd, WRITE), action_(std::move(action)) {}
    void await_resume() const { rethrow_error(); }

  private:
    bool perform() override {
        action_();
        return true;
    }

    std::function<void()> action_;
};

} // namespace

TEST_SUITE_BEGIN("task.hpp");

TEST_CASE("a Task runs to its first wait at once, then whenever its Future is done") {
    Loop loop;
    Future<std::string> first(loop);
    Future<std::string> second(loop);
    std::string log;
    create_task(append(log, second));
    create_task(append(log, first));
    create_task(append(log, first)); // many may wait for one Future
    CHECK(log == "");
    first.set_result("A");
    CHECK(log == ""); // the loop resumes them
    run_one_turn(loop);
    CHECK(log == "AA");
    create_task(append(log, first)); // is done already: there is nothing to wait for
    CHECK(log == "AAA");
    CHECK(Task::pending.size() == 1);
    second.set_result("B");
    run_one_turn(loop);
    CHECK(log == "AAAB");
    CHECK(Task::pending.empty());
}

TEST_CASE("values come back through every level, also those that can only be moved") {
    EventLoop loop;
    auto box = [&](int value) -> Coroutine<std::unique_ptr<int>> {
        int given = co_yield elements_of(give(loop, value));
        co_return std::make_unique<int>(given);
    };
    int sum = 0;
    auto main = [&]() -> Coroutine<void> {
        std::unique_ptr<int> first = co_yield elements_of(box(42));
        std::unique_ptr<int> second = co_yield elements_of(box(1000));
        sum = *first + *second;
    };
    run_to_the_end(loop, main());
    CHECK(sum == 1042);
}

TEST_CASE("the exception of a Future is thrown at the co_yield, and may be caught there") {
    Loop loop;
    std::string log;
    Future<void> future(loop);
    create_task(wait_one_level_down(future, log));
    future.set_exception(error("E"));
    run_one_turn(loop);
    CHECK(log == "caughtio");
}

TEST_CASE("an exception that leaves a Task is reported, and ends nothing else") {
    Loop loop;
    Future<void> future(loop);
    std::string log;
    auto fail = [](Future<void> waits) -> Coroutine<void> {
        co_yield waits;
        throw std::runtime_error("broken");
    };
    auto throw_int = []() -> Coroutine<void> {
        throw 42;
        co_return;
    };
    Coroutine<void> moved_from = throw_int();
    Coroutine<void> moved = std::move(moved_from);
    CapturedErrors errors;
    create_task(fail(future));
    create_task(wait_for(future, log, 'w'));
    create_task(std::move(moved));
    create_task(std::move(moved_from));
    future.set_result();
    run_one_turn(loop);
    CHECK(errors.text() == "exception in a Task: an exception that is not a std::exception\n"
                           "exception in a Task: this generator was closed or moved from\n"
                           "exception in a Task: broken\n");
    CHECK(log == "!w");
    CHECK(Task::pending.empty());
}

TEST_CASE("a coroutine that is called and forgotten does not run, and leaves nothing") {
    Loop loop;
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

TEST_SUITE_END();
TEST_SUITE_BEGIN("run.hpp");

TEST_CASE("run returns when main has ended, at once or later, and a program may run again") {
    std::string log;
    for (bool is_at_once : {true, false, true}) {
        EventLoop loop;
        auto main = [&]() -> Coroutine<void> {
            if (!is_at_once) {
                co_yield sleep(loop, 1ms);
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
                co_yield sleep(loop, 1ms);
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
        AsyncSocket ours(loop, std::move(pair.ours));
        auto receive = [](AsyncSocket socket, Future<void> never,
                          std::string& destroyed) -> Coroutine<void> {
            create_task(wait_one_level_down(never, destroyed));
            co_yield socket.recv(100);
        };
        auto main = [&]() -> Coroutine<void> {
            Witness witness{log, 'm'};
            create_task(receive(std::exchange(ours, AsyncSocket(loop, SocketPair().ours)),
                                Future<void>(loop), log));
            co_yield sleep(loop, 1ms);
            if (signal != 0) {
                ::raise(signal);
                co_yield sleep(loop, 1h);
            }
        };
        run_to_the_end(loop, main());
        CHECK((log == "iom" || log == "mio"));
        CHECK(Task::pending.empty());
        CHECK(pair.theirs.try_recv(1) == ""); // their socket is closed
    }
}

TEST_CASE("a socket that is closed and used again in one turn gets no event of the old one") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        auto old = std::make_unique<SocketPair>();
        int number = old->ours.fd();
        std::optional<AsyncSocket> ours(AsyncSocket(loop, std::move(old->ours)));
        auto main = [&]() -> Coroutine<void> {
            old->theirs.send_all("x");
            std::string data = co_yield ours->recv(1);
            old->theirs.send_all("old");
            ours.reset();      // the loop still watches it
            SocketPair reborn; // gets the lowest numbers that are free
            REQUIRE(reborn.ours.fd() == number);
            AsyncSocket socket(loop, std::move(reborn.ours));
            Future<std::string> received = socket.recv(100);
            co_yield sleep(loop, 1ms);
            CHECK_FALSE(received.done());
            reborn.theirs.send_all("new");
            data = co_yield received;
            CHECK(data == "new");
        };
        run_to_the_end(loop, main());
    }
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("scheduler.hpp");

TEST_CASE("what a generator or an operation throws ends nothing else") {
    Scheduler scheduler(make_default_selector());
    SocketPair pair;
    std::string log;
    auto throw_int = []() -> Routine<void> {
        throw 42;
        co_return;
    };
    auto fail = [&]() -> Routine<void> {
        try {
            co_yield Write(pair.ours.fd(), [] { throw std::runtime_error("broken"); });
        } catch (const std::runtime_error& caught) {
            log += caught.what();
        }
    };
    auto end_later = [&]() -> Routine<void> {
        co_yield Sleep(1ms);
        log += " and went on";
    };
    CapturedErrors errors;
    scheduler.submit(throw_int());
    scheduler.submit(fail());
    scheduler.submit(end_later());
    scheduler.run();
    CHECK(errors.text() ==
          "exception in a generator: an exception that is not a std::exception\n");
    CHECK(log == "broken and went on");
}

TEST_CASE("the longest sleep does not end at once, the shortest does") {
    Scheduler scheduler(make_default_selector());
    std::string log;
    auto sleep_then_log = [&](std::chrono::nanoseconds delay, char name) -> Routine<void> {
        co_yield Sleep(delay);
        log += name;
    };
    auto stop_later = [&]() -> Routine<void> {
        co_yield Sleep(1ms);
        scheduler.stop(nullptr);
    };
    scheduler.submit(sleep_then_log(std::chrono::nanoseconds::max(), 'L'));
    scheduler.submit(sleep_then_log(std::chrono::nanoseconds::min(), 'S'));
    scheduler.submit(stop_later());
    scheduler.run();
    CHECK(log == "S");
}

TEST_CASE("a generator that only sends lets the others have their turn") {
    Scheduler scheduler(make_default_selector());
    SocketPair pair;
    int count = 0;
    auto send = [&]() -> Routine<void> {
        while (count < 1'000'000) { // fails instead of hanging
            co_yield Write(pair.ours.fd(), [&] { ++count; });
        }
    };
    auto stop_later = [&]() -> Routine<void> {
        co_yield Sleep(0ns);
        scheduler.stop(nullptr);
    };
    scheduler.submit(send());
    scheduler.submit(stop_later());
    scheduler.run();
    CHECK(count > 10);
    CHECK(count < 1000);
}
