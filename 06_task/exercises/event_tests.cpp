#include <event.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <string>

namespace {

Coroutine<void> wait_and_log(Event& event, std::string& log, char name) {
    co_yield elements_of(event.wait());
    log += name;
}

struct Fixture {
    EventLoop loop;
    Event event{loop};
    std::string log; // the names of the Tasks that were woken

    ~Fixture() { destroy_pending_tasks(); } // before what they use
    void start_task(char name) { create_task(wait_and_log(event, log, name)); }
    // As many turns as it takes, and some more.
    void let_tasks_run() {
        for (int i = 0; i < 5; ++i) {
            loop.call_soon([this] { loop.stop(); });
            loop.run_forever();
        }
    }
};

} // namespace

TEST_CASE("a Task waits until the event is set") {
    Fixture fixture;
    fixture.start_task('A');
    fixture.let_tasks_run();
    CHECK(fixture.log == "");
    CHECK(!fixture.event.is_set());
    step("set()");
    fixture.event.set();
    CHECK(fixture.log == ""); // no Task runs inside set()
    fixture.let_tasks_run();
    CHECK(fixture.log == "A");
    CHECK(fixture.event.is_set());
}

TEST_CASE("a Task that comes after set() does not wait") {
    Fixture fixture;
    fixture.event.set();
    fixture.start_task('A');
    CHECK(fixture.log == "A");
    CHECK(fixture.event.waiting() == 0);
}

TEST_CASE("set() wakes all, in the order in which they came") {
    Fixture fixture;
    for (char name : {'A', 'B', 'C'}) {
        fixture.start_task(name);
    }
    fixture.let_tasks_run();
    CHECK(fixture.event.waiting() == 3);
    step("three Tasks wait; set()");
    fixture.event.set();
    fixture.let_tasks_run();
    CHECK_MESSAGE(fixture.log == "ABC", "set() wakes all Tasks that wait, the oldest first");
    CHECK(fixture.event.waiting() == 0);
}

TEST_CASE("set() twice") {
    Fixture fixture;
    fixture.start_task('A');
    step("a Task waits; set() twice, one call after the other");
    fixture.event.set();
    CHECK_NOTHROW_MESSAGE(fixture.event.set(), "a Task that was woken is still in the list");
    fixture.let_tasks_run();
    CHECK(fixture.log == "A");
    step("and a third time");
    CHECK_NOTHROW(fixture.event.set());
}

TEST_CASE("after clear() Tasks wait again") {
    Fixture fixture;
    fixture.event.set();
    fixture.event.clear();
    CHECK(!fixture.event.is_set());
    fixture.start_task('A');
    fixture.let_tasks_run();
    CHECK(fixture.log == "");
    fixture.event.set();
    fixture.let_tasks_run();
    CHECK(fixture.log == "A");
}

TEST_CASE("clear() at once after set() does not take the event back") {
    Fixture fixture;
    fixture.start_task('A');
    step("a Task waits; set() and clear(), one after the other");
    fixture.event.set();
    fixture.event.clear();
    fixture.let_tasks_run();
    CHECK_MESSAGE(fixture.log == "A",
                  "a Task that was woken asks the flag again, and waits on");
    CHECK(!fixture.event.is_set());
}

TEST_CASE("a Task that waits again and again") {
    Fixture fixture;
    auto wait_three_times = [](Event& event, std::string& log) -> Coroutine<void> {
        for (char name : {'1', '2', '3'}) {
            co_yield elements_of(event.wait());
            log += name;
            event.clear();
        }
    };
    create_task(wait_three_times(fixture.event, fixture.log));
    for (const char* expected : {"1", "12", "123"}) {
        step("set(); the Task that was woken calls clear(), and waits again");
        fixture.event.set();
        fixture.let_tasks_run();
        CHECK(fixture.log == expected);
    }
}
