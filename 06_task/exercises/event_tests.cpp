#include <event.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <string>

namespace {

Coroutine<void> wait_and_log(Event& event, std::string& log, char name) {
    co_yield event.wait();
    log += name;
}

// As many iterations as it takes, and some more.
void let_tasks_run(EventLoop& loop) {
    for (int i = 0; i < 5; ++i) {
        loop.stop();
        loop.run_forever();
    }
}

} // namespace

TEST_CASE("a task waits until the event is set") {
    EventLoop loop;
    Event event;
    std::string log;
    create_task(loop, wait_and_log(event, log, 'A'));
    let_tasks_run(loop);
    CHECK(log == "");
    CHECK(!event.is_set());
    step("set()");
    event.set();
    CHECK(log == ""); // nobody runs inside set()
    let_tasks_run(loop);
    CHECK(log == "A");
    CHECK(event.is_set());
}

TEST_CASE("who comes after set() does not wait") {
    EventLoop loop;
    Event event;
    std::string log;
    event.set();
    create_task(loop, wait_and_log(event, log, 'A'));
    let_tasks_run(loop);
    CHECK(log == "A");
}

TEST_CASE("set() wakes all, in the order in which they came") {
    EventLoop loop;
    Event event;
    std::string log;
    for (char name : {'A', 'B', 'C'}) {
        create_task(loop, wait_and_log(event, log, name));
    }
    let_tasks_run(loop);
    CHECK(event.waiting() == 3);
    step("three tasks wait; set() twice");
    event.set();
    event.set();
    let_tasks_run(loop);
    CHECK(log == "ABC");
    CHECK(event.waiting() == 0);
}

TEST_CASE("after clear() tasks wait again") {
    EventLoop loop;
    Event event;
    std::string log;
    event.set();
    event.clear();
    CHECK(!event.is_set());
    create_task(loop, wait_and_log(event, log, 'A'));
    let_tasks_run(loop);
    CHECK(log == "");
    event.set();
    let_tasks_run(loop);
    CHECK(log == "A");
}

TEST_CASE("clear() at once after set() does not take the event back") {
    EventLoop loop;
    Event event;
    std::string log;
    create_task(loop, wait_and_log(event, log, 'A'));
    let_tasks_run(loop);
    step("a task waits; set() and clear(), one after the other");
    event.set();
    event.clear();
    let_tasks_run(loop);
    CHECK_MESSAGE(log == "A", "who was woken asks the flag again, and waits on");
}

TEST_CASE("a task that is cancelled leaves nothing behind") {
    EventLoop loop;
    Event event;
    std::string log;
    Task<void> first = create_task(loop, wait_and_log(event, log, 'A'));
    create_task(loop, wait_and_log(event, log, 'B'));
    let_tasks_run(loop);
    step("two tasks wait; the first is cancelled");
    first.cancel();
    let_tasks_run(loop);
    CHECK(first.cancelled());
    CHECK_MESSAGE(event.waiting() == 1, "who was cancelled has left its Future behind");
    step("set()");
    event.set();
    let_tasks_run(loop);
    CHECK(log == "B");
}

TEST_CASE("cancelled and set in the same iteration") {
    for (bool is_cancelled_first : {true, false}) {
        EventLoop loop;
        Event event;
        std::string log;
        Task<void> first = create_task(loop, wait_and_log(event, log, 'A'));
        create_task(loop, wait_and_log(event, log, 'B'));
        let_tasks_run(loop);
        step(is_cancelled_first ? "cancel the first task, then set()"
                                : "set(), then cancel the first task");
        INFO("set() has met a Future that is cancelled already");
        if (is_cancelled_first) {
            first.cancel();
        }
        event.set();
        if (!is_cancelled_first) {
            first.cancel();
        }
        let_tasks_run(loop);
        CHECK(first.cancelled());
        CHECK(log == "B");
        CHECK(event.waiting() == 0);
    }
}
