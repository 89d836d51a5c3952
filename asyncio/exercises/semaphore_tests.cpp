#include <semaphore.hpp> // the exercise, or its solution

#include "task.hpp"

#include "support/testing/exercise_tests.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

Coroutine<void> acquire_and_log(Semaphore& semaphore, std::string& log, char name) {
    co_await semaphore.acquire();
    log += name;
}

// As many iterations as it takes, and some more.
void let_tasks_run(EventLoop& loop) {
    for (int i = 0; i < 5; ++i) {
        loop.stop();
        loop.run_forever();
    }
}

Coroutine<void> work(Semaphore& semaphore, int& inside, int& most, int& finished) {
    co_await semaphore.acquire();
    most = std::max(most, ++inside);
    co_await sleep(0ms);
    co_await sleep(1ms);
    --inside;
    ++finished;
    semaphore.release();
}

} // namespace

TEST_CASE("as many as there are places do not wait") {
    EventLoop loop;
    Semaphore semaphore(2);
    std::string log;
    CHECK(!semaphore.locked());
    step("two places, and three tasks want one");
    for (char name : {'A', 'B', 'C'}) {
        create_task(loop, acquire_and_log(semaphore, log, name));
    }
    let_tasks_run(loop);
    CHECK(log == "AB");
    CHECK(semaphore.locked());
    CHECK(semaphore.waiting() == 1);
    step("one place is given back");
    semaphore.release();
    let_tasks_run(loop);
    CHECK(log == "ABC");
    CHECK(semaphore.locked());
    step("and one more");
    semaphore.release();
    CHECK(!semaphore.locked());
}

TEST_CASE("who came first goes first") {
    EventLoop loop;
    Semaphore semaphore(1);
    std::string log;
    for (char name : {'A', 'B', 'C', 'D'}) {
        create_task(loop, acquire_and_log(semaphore, log, name));
    }
    let_tasks_run(loop);
    step("A has the only place, B, C and D wait; it is given back three times");
    for (int i = 0; i < 3; ++i) {
        semaphore.release();
        let_tasks_run(loop);
    }
    CHECK(log == "ABCD");
}

TEST_CASE("no task overtakes another") {
    EventLoop loop;
    Semaphore semaphore(1);
    std::string log;
    create_task(loop, acquire_and_log(semaphore, log, 'A'));
    create_task(loop, acquire_and_log(semaphore, log, 'B'));
    let_tasks_run(loop);
    step("A has the only place, B waits; C is about to ask when the place is given back");
    create_task(loop, acquire_and_log(semaphore, log, 'C'));
    semaphore.release();
    let_tasks_run(loop);
    CHECK_MESSAGE(log == "AB", "who came later has overtaken the one that waited");
    semaphore.release();
    let_tasks_run(loop);
    CHECK(log == "ABC");
}

TEST_CASE("never more than there are places, and all get on") {
    EventLoop loop;
    Semaphore semaphore(3);
    int inside = 0;
    int most = 0;
    int finished = 0;
    step("20 tasks share 3 places");
    for (int i = 0; i < 20; ++i) {
        create_task(loop, work(semaphore, inside, most, finished));
    }
    run_until(loop, [&] { return finished == 20; });
    CHECK(most == 3);
    CHECK(!semaphore.locked());
}

TEST_CASE("a task that is cancelled while it waits") {
    EventLoop loop;
    Semaphore semaphore(1);
    std::string log;
    create_task(loop, acquire_and_log(semaphore, log, 'A'));
    Task<void> second = create_task(loop, acquire_and_log(semaphore, log, 'B'));
    create_task(loop, acquire_and_log(semaphore, log, 'C'));
    let_tasks_run(loop);
    step("A has the only place, B and C wait; B is cancelled");
    second.cancel();
    let_tasks_run(loop);
    CHECK(second.cancelled());
    CHECK_MESSAGE(semaphore.waiting() == 1, "who was cancelled still stands in the queue");
    step("the place is given back");
    semaphore.release();
    let_tasks_run(loop);
    CHECK(log == "AC");
}

TEST_CASE("a task that is cancelled when it has just been given the place") {
    EventLoop loop;
    Semaphore semaphore(1);
    std::string log;
    create_task(loop, acquire_and_log(semaphore, log, 'A'));
    Task<void> second = create_task(loop, acquire_and_log(semaphore, log, 'B'));
    create_task(loop, acquire_and_log(semaphore, log, 'C'));
    let_tasks_run(loop);
    step("A has the only place, B and C wait; it is given back, and at once B is cancelled");
    semaphore.release();
    second.cancel();
    let_tasks_run(loop);
    CHECK(second.cancelled());
    CHECK_MESSAGE(log == "AC", "the place of a task that was cancelled is lost");
    step("C gives it back, and no task is left: the place is free");
    semaphore.release();
    CHECK(!semaphore.locked());
}

TEST_CASE("a place is given back when the next one has just been cancelled") {
    EventLoop loop;
    Semaphore semaphore(1);
    std::string log;
    create_task(loop, acquire_and_log(semaphore, log, 'A'));
    Task<void> second = create_task(loop, acquire_and_log(semaphore, log, 'B'));
    let_tasks_run(loop);
    step("A has the only place, B waits; B is cancelled, and at once the place is given back");
    second.cancel();
    semaphore.release();
    let_tasks_run(loop);
    CHECK(second.cancelled());
    CHECK(!semaphore.locked());
    CHECK(semaphore.waiting() == 0);
}
