// How the event loop, Transport and Protocol behave; asyncio's own tests assert most of this.
#include "event_loop.hpp"
#include "protocol.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

// asyncio's tests do the same: stop() before run_forever() means one iteration without waiting.
void run_one_iteration(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

// Runs the loop until `condition` holds. Fails instead of hanging.
template <typename Condition>
void run_until(EventLoop& loop, Condition condition) {
    Clock::time_point deadline = Clock::now() + 20s;
    while (!condition()) {
        REQUIRE(Clock::now() < deadline);
        loop.call_later(1ms, [&loop] { loop.stop(); });
        loop.run_forever();
    }
}

// Counts the polls, that is, the iterations of the loop.
class CountingSelector : public Selector {
  public:
    CountingSelector(std::unique_ptr<Selector> selector, int& count)
        : selector_(std::move(selector)), count_(count) {}
    void register_fd(int fd, Events events) override { selector_->register_fd(fd, events); }
    void modify(int fd, Events events) override { selector_->modify(fd, events); }
    void unregister(int fd) override { selector_->unregister(fd); }
    const std::vector<ReadyFd>&
    select(std::optional<std::chrono::nanoseconds> timeout) override {
        ++count_;
        return selector_->select(timeout);
    }

  private:
    std::unique_ptr<Selector> selector_;
    int& count_;
};

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

} // namespace

TEST_CASE("callbacks run in the order of call_soon, each once") {
    EventLoop loop;
    std::string log;
    for (char name : {'A', 'B', 'C'}) {
        loop.call_soon([&log, name] { log += name; });
    }
    run_one_iteration(loop);
    CHECK(log == "ABC");
    run_one_iteration(loop);
    CHECK(log == "ABC");
}

TEST_CASE("what a callback adds runs in the next iteration, after another poll") {
    EventLoop loop;
    std::string log;
    SocketPair pair;
    loop.add_reader(pair.ours.fd(), [&] {
        log += "R";
        loop.remove_reader(pair.ours.fd());
    });
    loop.call_soon([&] {
        log += "A";
        pair.theirs.send_all("x");
        loop.call_soon([&] { log += "B"; });
    });
    run_one_iteration(loop);
    CHECK(log == "A");
    run_one_iteration(loop);
    CHECK(log == "ABR"); // the poll came before B, so the reader is ready in the same iteration
}

TEST_CASE("a callback that adds itself for ever does not starve I/O") {
    EventLoop loop;
    SocketPair pair;
    std::function<void()> again = [&] { loop.call_soon(again); };
    loop.call_soon(again);
    loop.add_reader(pair.ours.fd(), [&] { loop.stop(); });
    pair.theirs.send_all("x");
    loop.run_forever(); // returns
    CHECK(pair.ours.try_recv(10) == "x");
}

TEST_CASE("stop lets the callbacks of this iteration run, and no later ones") {
    EventLoop loop;
    std::string log;
    loop.call_soon([&] { log += "A"; });
    loop.call_soon([&] { loop.stop(); });
    loop.call_soon([&] {
        log += "C";
        loop.call_soon([&] { log += "D"; });
    });
    loop.run_forever();
    CHECK(log == "AC");
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    CHECK(log == "ACD");
}

TEST_CASE("a cancelled callback does not run") {
    EventLoop loop;
    bool has_run = false;
    Handle handle = loop.call_soon([&] { has_run = true; });
    CHECK_FALSE(handle.cancelled());
    handle.cancel();
    handle.cancel();
    run_one_iteration(loop);
    CHECK_FALSE(has_run);
    CHECK(handle.cancelled());
}

TEST_CASE("a callback can cancel a later one of the same iteration") {
    EventLoop loop;
    bool has_run = false;
    std::vector<Handle> later;
    loop.call_soon([&] { later.front().cancel(); });
    later.push_back(loop.call_soon([&] { has_run = true; }));
    run_one_iteration(loop);
    CHECK_FALSE(has_run);
}

TEST_CASE("an exception goes to the handler, and the other callbacks run") {
    EventLoop loop;
    std::vector<ExceptionContext> reported;
    loop.set_exception_handler(
        [&](const ExceptionContext& context) { reported.push_back(context); });
    bool has_run = false;
    Handle thrower = loop.call_soon([] { throw std::runtime_error("broken"); });
    loop.call_soon([&] { has_run = true; });
    run_one_iteration(loop);
    CHECK(has_run);
    REQUIRE(reported.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(reported[0].exception), "broken");
    REQUIRE(reported[0].handle.has_value());
    thrower.cancel();
    CHECK(reported[0].handle->cancelled()); // it is the same one
}

TEST_CASE("an exception of any type, even one of the handler, does not stop the loop") {
    EventLoop loop;
    loop.set_exception_handler([](const ExceptionContext&) { throw 43; });
    bool has_run = false;
    loop.call_soon([] { throw 42; });
    loop.call_soon([&] { has_run = true; });
    run_one_iteration(loop);
    CHECK(has_run);
}

TEST_CASE("call_later runs once and not too early") {
    EventLoop loop;
    Clock::time_point start = loop.time();
    Clock::time_point when;
    int count = 0;
    loop.call_later(50ms, [&] {
        when = loop.time();
        ++count;
        loop.stop();
    });
    loop.run_forever();
    CHECK(when - start >= 50ms);
    run_one_iteration(loop);
    CHECK(count == 1);
}

TEST_CASE("timers run in the order of their deadlines, overdue ones in the first iteration") {
    EventLoop loop;
    std::string log;
    auto add = [&](std::chrono::nanoseconds delay, char name) {
        loop.call_later(delay, [&log, name] { log += name; });
    };
    add(30ms, '5');
    add(10ms, '3');
    add(20ms, '4');
    add(-1s, '2');
    add(-2s, '1');
    run_one_iteration(loop);
    CHECK(log.starts_with("12"));
    run_until(loop, [&] { return log.size() == 5; });
    CHECK(log == "12345");
}

TEST_CASE("timers for the same moment run in the order of insertion") {
    EventLoop loop;
    std::vector<int> log;
    Clock::time_point when = loop.time() + 1ms;
    std::vector<int> expected;
    for (int i = 0; i < 100; ++i) {
        loop.call_at(when, [&log, i] { log.push_back(i); });
        expected.push_back(i);
    }
    run_until(loop, [&] { return log.size() == 100; });
    CHECK(log == expected);
}

TEST_CASE("cancelled timers are thrown out once there are many") {
    Timers timers;
    timers.add(Clock::now() + 1h, [] {});
    for (int i = 0; i < 500; ++i) {
        timers.add(Clock::now() + 1h, [] {}).cancel();
    }
    CHECK(timers.size() == 501);
    timers.next(); // what every iteration asks
    CHECK(timers.size() == 1);
}

TEST_CASE("a cancelled timer releases at once what it has captured") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    Handle timer = loop.call_later(1h, [captured] {});
    CHECK(captured.use_count() == 2);
    timer.cancel();
    CHECK(captured.use_count() == 1);
    run_one_iteration(loop);
}

TEST_CASE("a cancelled timer that is still in the heap does not run") {
    EventLoop loop;
    bool has_run = false;
    Handle timer = loop.call_later(1ms, [&] { has_run = true; });
    loop.call_later(5ms, [&] { loop.stop(); });
    timer.cancel();
    loop.run_forever();
    CHECK_FALSE(has_run);
}

TEST_CASE("setting and cancelling timers keeps the heap small") {
    Timers timers;
    timers.add(Clock::now() + 1h, [] {});
    std::size_t largest = 0;
    for (int i = 0; i < 10'000; ++i) {
        timers.add(Clock::now() + 1h, [] {}).cancel();
        timers.next();
        largest = std::max(largest, timers.size());
    }
    CHECK(largest < 250);
}

TEST_CASE("short timeouts are rounded up and do not make the loop spin") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        int polls = 0;
        EventLoop loop(std::make_unique<CountingSelector>(make_selector(name), polls));
        std::vector<std::chrono::nanoseconds> delays = {10ms, 100us, 1us, 10ns, 1ns, 0ns};
        std::function<void()> sleep_in_turn = [&] {
            if (delays.empty()) {
                loop.stop();
                return;
            }
            loop.call_later(delays.back(), sleep_in_turn);
            delays.pop_back();
        };
        sleep_in_turn();
        loop.run_forever();
        CHECK(polls <= 20);
    }
}

TEST_CASE("a loop cannot run inside a loop") {
    EventLoop loop;
    EventLoop second;
    std::string log;
    loop.call_soon([&] {
        CHECK_THROWS_AS(loop.run_forever(), std::runtime_error);
        CHECK_THROWS_AS(second.run_forever(), std::runtime_error);
        CHECK(&EventLoop::running() == &loop);
        log += "A";
    });
    loop.call_soon([&] { log += "B"; });
    run_one_iteration(loop);
    CHECK(log == "AB");
    CHECK_THROWS_AS(EventLoop::running(), std::runtime_error);
    run_one_iteration(second); // nothing is left behind
}

TEST_CASE("a closed loop accepts no more callbacks") {
    EventLoop loop;
    SocketPair pair;
    loop.add_reader(pair.ours.fd(), [] {});
    loop.call_soon([&] { CHECK_THROWS_AS(loop.close(), std::runtime_error); });
    run_one_iteration(loop);
    CHECK_FALSE(loop.is_closed());
    loop.close();
    loop.close();
    CHECK(loop.is_closed());
    CHECK_THROWS_WITH(loop.run_forever(), "the event loop is closed");
    CHECK_THROWS_AS(loop.call_soon([] {}), std::runtime_error);
    CHECK_THROWS_AS(loop.call_soon_threadsafe([] {}), std::runtime_error);
    CHECK_THROWS_AS(loop.call_later(1s, [] {}), std::runtime_error);
    CHECK_THROWS_AS(loop.call_at(loop.time(), [] {}), std::runtime_error);
    CHECK_THROWS_AS(loop.add_reader(pair.ours.fd(), [] {}), std::runtime_error);
    CHECK_THROWS_AS(loop.add_writer(pair.ours.fd(), [] {}), std::runtime_error);
    CHECK_THROWS_AS(loop.add_signal_handler(SIGUSR1, [] {}), std::runtime_error);
    CHECK_FALSE(loop.remove_reader(pair.ours.fd()));
    CHECK_FALSE(loop.remove_writer(pair.ours.fd()));
}

TEST_CASE("close destroys the callbacks, though handles remain") {
    auto captured = std::make_shared<int>(0);
    SocketPair pair;
    EventLoop loop;
    Handle soon = loop.call_soon([captured] {});
    Handle later = loop.call_later(1h, [captured] {});
    loop.add_reader(pair.ours.fd(), [captured] {});
    loop.call_soon_threadsafe([captured] {});
    CHECK(captured.use_count() == 5);
    loop.close();
    CHECK(captured.use_count() == 1);
    later.cancel(); // harmless
}

TEST_CASE("a loop has one local object of each type, destroyed in reverse when it is closed") {
    static std::string log;
    static EventLoop* used_by = nullptr;
    struct First {
        ~First() { log += "first"; }
    };
    struct Second {
        int value = 0;
        ~Second() {
            log += "second ";
            used_by->call_soon([] {}); // the loop is still open
        }
    };
    {
        EventLoop loop;
        used_by = &loop;
        loop.local<First>();
        loop.local<Second>().value = 42;
        CHECK(loop.local<Second>().value == 42);
        CHECK(&loop.local<First>() == &loop.local<First>());
        loop.close();
        CHECK(log == "second first");
        CHECK_THROWS_AS(loop.local<First>(), std::runtime_error);
    }
}

TEST_CASE("call_soon_threadsafe wakes a loop that waits, and keeps the order") {
    EventLoop loop; // without timers and readers: only the wake-up can end its wait
    std::vector<int> log;
    std::thread::id ran_in;
    std::thread other;
    loop.call_soon([&] {
        other = std::thread([&] {
            for (int i = 0; i < 1000; ++i) {
                loop.call_soon_threadsafe([&log, i] { log.push_back(i); });
            }
            loop.call_soon_threadsafe([&] {
                ran_in = std::this_thread::get_id();
                loop.stop();
            });
        });
    });
    loop.run_forever();
    other.join();
    CHECK(ran_in == std::this_thread::get_id());
    REQUIRE(log.size() == 1000);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(log[static_cast<std::size_t>(i)] == i);
    }
}

TEST_CASE("a signal becomes an ordinary callback") {
    EventLoop loop;
    std::string log;
    loop.add_signal_handler(SIGALRM, [&] { log += "replaced"; });
    loop.add_signal_handler(SIGALRM, [&] {
        log += "S";
        loop.call_soon([&] { log += "+"; }); // what a handler in signal context must not do
        loop.call_soon([&] { loop.stop(); });
    });
    itimerval timer{};
    timer.it_value.tv_usec = 1000;
    REQUIRE(::setitimer(ITIMER_REAL, &timer, nullptr) == 0);
    loop.run_forever(); // waits without limit, so the signal arrives inside its poll
    CHECK(log == "S+");
    CHECK(loop.remove_signal_handler(SIGALRM));
    CHECK_FALSE(loop.remove_signal_handler(SIGALRM));
}

TEST_CASE("some signals cannot be caught, and only one loop at a time catches signals") {
    EventLoop loop;
    CHECK_THROWS_AS(loop.add_signal_handler(SIGKILL, [] {}), std::system_error);
    CHECK_THROWS_AS(loop.add_signal_handler(0, [] {}), std::system_error);
    CHECK_THROWS_AS(loop.add_signal_handler(100'000, [] {}), std::system_error);
    loop.add_signal_handler(SIGUSR1, [] {});
    EventLoop second;
    CHECK_THROWS_AS(second.add_signal_handler(SIGUSR1, [] {}), std::logic_error);
    loop.close();
    second.add_signal_handler(SIGUSR1, [] {});
}

TEST_CASE("a reader is called as long as there is something to read") {
    EventLoop loop;
    SocketPair pair;
    std::string received;
    int calls = 0;
    loop.add_reader(pair.ours.fd(), [&] {
        received += pair.ours.try_recv(3).value();
        ++calls;
    });
    pair.theirs.send_all("123456789");
    for (int i = 0; i < 5; ++i) {
        run_one_iteration(loop);
    }
    CHECK(received == "123456789");
    CHECK(calls == 3);
}

TEST_CASE("a second add_reader replaces the first") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        SocketPair pair;
        std::string log;
        loop.add_reader(pair.ours.fd(), [&] { log += "A"; });
        loop.add_reader(pair.ours.fd(), [&] { log += "B"; });
        pair.theirs.send_all("x");
        run_one_iteration(loop);
        CHECK(log == "B");
    }
}

TEST_CASE("a reader that is replaced in the same iteration does not run") {
    EventLoop loop;
    SocketPair first;
    SocketPair second;
    std::string log;
    auto replace_both = [&](char name) {
        log += name;
        loop.add_reader(first.ours.fd(), [&] { log += "f"; });
        loop.add_reader(second.ours.fd(), [&] { log += "s"; });
    };
    loop.add_reader(first.ours.fd(), [&] { replace_both('F'); });
    loop.add_reader(second.ours.fd(), [&] { replace_both('S'); });
    first.theirs.send_all("x");
    second.theirs.send_all("x");
    run_one_iteration(loop);
    CHECK(log.size() == 1); // the other one was ready as well, but is gone
    run_one_iteration(loop);
    CHECK(log.size() == 3); // both new ones
}

TEST_CASE("reader and writer of a descriptor are independent") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        SocketPair pair;
        std::string log;
        loop.add_reader(pair.ours.fd(), [&] { log += "R"; });
        loop.add_writer(pair.ours.fd(), [&] { log += "W"; });
        pair.theirs.send_all("x");
        run_one_iteration(loop);
        CHECK((log == "RW" || log == "WR"));
        CHECK(loop.remove_writer(pair.ours.fd()));
        run_one_iteration(loop);
        CHECK(log.substr(2) == "R");
        loop.add_writer(pair.ours.fd(), [&] { log += "W"; });
        CHECK(loop.remove_reader(pair.ours.fd()));
        run_one_iteration(loop);
        CHECK(log.substr(3) == "W");
        CHECK(loop.remove_writer(pair.ours.fd()));
        run_one_iteration(loop);
        CHECK(log.size() == 4);
    }
}

TEST_CASE("removing a reader that is not there returns false") {
    EventLoop loop;
    SocketPair pair;
    loop.add_reader(pair.ours.fd(), [] {});
    CHECK(loop.remove_reader(pair.ours.fd()));
    CHECK_FALSE(loop.remove_reader(pair.ours.fd()));
    CHECK_FALSE(loop.remove_writer(pair.ours.fd()));
    CHECK_FALSE(loop.remove_reader(12345));
}

TEST_CASE("a callback closes its own descriptor and another one that is ready too") {
    EventLoop loop;
    auto first = std::make_unique<SocketPair>();
    auto second = std::make_unique<SocketPair>();
    int calls = 0;
    auto close_both = [&] {
        ++calls;
        loop.remove_reader(first->ours.fd());
        loop.remove_reader(second->ours.fd());
        first.reset();
        second.reset();
    };
    loop.add_reader(first->ours.fd(), close_both);
    loop.add_reader(second->ours.fd(), close_both);
    first->theirs.send_all("x");
    second->theirs.send_all("x");
    run_one_iteration(loop);
    run_one_iteration(loop);
    CHECK(calls == 1);
}

TEST_CASE("a descriptor number that is used again in the same iteration gets no old event") {
    EventLoop loop;
    auto first = std::make_unique<SocketPair>();
    auto second = std::make_unique<SocketPair>();
    std::unique_ptr<SocketPair> reborn;
    std::string log;
    auto replace = [&](std::unique_ptr<SocketPair>& other) {
        log += "old";
        int number = other->ours.fd();
        loop.remove_reader(number);
        other.reset();
        reborn = std::make_unique<SocketPair>(); // gets the lowest numbers that are free
        REQUIRE((reborn->ours.fd() == number || reborn->theirs.fd() == number));
        loop.add_reader(number, [&] { log += "new"; });
    };
    loop.add_reader(first->ours.fd(), [&] { replace(second); });
    loop.add_reader(second->ours.fd(), [&] { replace(first); });
    first->theirs.send_all("x");
    second->theirs.send_all("x");
    run_one_iteration(loop);
    CHECK(log == "old");
}

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

TEST_CASE("stop with an error makes run_forever throw it once") {
    EventLoop loop;
    loop.call_soon([&] { loop.stop(std::make_exception_ptr(std::runtime_error("broken"))); });
    CHECK_THROWS_WITH(loop.run_forever(), "broken");
    CHECK_FALSE(loop.is_running());
    run_one_iteration(loop);
}

TEST_CASE("debug mode reports a callback that holds the loop, and what it waited for") {
    auto hold_the_loop = [] {
        Clock::time_point end = Clock::now() + 101ms;
        while (Clock::now() < end) {
        }
    };
    auto report_of = [](bool is_debug, const std::function<void(EventLoop&)>& add) {
        EventLoop loop;
        loop.set_debug(is_debug);
        std::string report;
        loop.set_exception_handler(
            [&](const ExceptionContext& context) { report = context.message; });
        add(loop);
        run_one_iteration(loop);
        return report.substr(0, report.find(" for "));
    };
    auto call_soon = [&](EventLoop& loop) { loop.call_soon(hold_the_loop); };
    CHECK(report_of(false, call_soon) == "");
    CHECK(report_of(true, call_soon) == "a callback of call_soon held the event loop");
    CHECK(report_of(true, [&](EventLoop& loop) { loop.call_later(0ms, hold_the_loop); }) ==
          "a timer held the event loop");

    SocketPair pair;
    int fd = pair.ours.fd();
    std::string descriptor = " of descriptor " + std::to_string(fd) + " held the event loop";
    CHECK(report_of(true, [&](EventLoop& loop) { loop.add_writer(fd, hold_the_loop); }) ==
          "the writer" + descriptor);
    pair.theirs.send_all("x");
    auto remove_itself_and_hold = [&](EventLoop& loop) {
        loop.add_reader(fd, [&loop, fd, hold_the_loop] {
            hold_the_loop();
            loop.remove_reader(fd);
        });
    };
    CHECK(report_of(true, remove_itself_and_hold) == "the reader" + descriptor);
}

TEST_CASE("the debug mode of the program is that of its loops") {
    set_debug_mode(true);
    EventLoop loop;
    set_debug_mode(false);
    std::string report;
    loop.set_exception_handler(
        [&](const ExceptionContext& context) { report = context.message; });
    loop.call_soon([] {
        Clock::time_point end = Clock::now() + 101ms;
        while (Clock::now() < end) {
        }
    });
    run_one_iteration(loop);
    CHECK(report.starts_with("a callback of call_soon held the event loop for "));
}

// ---- Transport and Protocol -----------------------------------------------------------------

namespace {

// What a protocol was told, in order; the test decides how it answers.
struct Record {
    std::string calls;    // "made data eof lost"
    std::string received; // all data
    std::exception_ptr error;
    Transport* transport = nullptr;
    std::function<void(std::string_view)> on_data = [](std::string_view) {};
    std::function<bool()> on_eof = [] { return false; };
    std::function<void()> on_resume = [] {};
};

class RecordingProtocol : public Protocol {
  public:
    explicit RecordingProtocol(Record& record) : record_(record) {}
    void connection_made(Transport& transport) override {
        record_.transport = &transport;
        add("made");
    }
    void data_received(std::string_view data) override {
        if (!record_.calls.ends_with("data")) {
            add("data");
        }
        record_.received += data;
        record_.on_data(data);
    }
    bool eof_received() override {
        add("eof");
        return record_.on_eof();
    }
    void connection_lost(std::exception_ptr error) override {
        record_.error = error;
        add("lost");
    }
    void pause_writing() override { add("pause"); }
    void resume_writing() override {
        add("resume");
        record_.on_resume();
    }

  private:
    void add(const std::string& call) {
        record_.calls += (record_.calls.empty() ? "" : " ") + call;
    }

    Record& record_;
};

// A server, and a client that is connected to it; both in this thread.
struct ProtocolTest {
    int polls = 0;
    EventLoop loop{std::make_unique<CountingSelector>(make_default_selector(), polls)};
    std::vector<std::string> reports;
    Record record;
    std::unique_ptr<Server> server;
    std::optional<Socket> client;

    ProtocolTest() {
        loop.set_exception_handler(
            [this](const ExceptionContext& context) { reports.push_back(context.message); });
        server = create_server(
            loop, [this] { return std::make_unique<RecordingProtocol>(record); }, "127.0.0.1",
            0);
        client = connect();
        run_until(loop, [this] { return record.calls == "made"; });
    }

    Socket connect() {
        std::string address = server->address();
        Socket socket = connect_to("127.0.0.1", static_cast<std::uint16_t>(std::stoi(
                                                    address.substr(address.rfind(':') + 1))));
        socket.set_blocking(false);
        return socket;
    }

    bool is_lost() const { return record.calls.ends_with("lost"); }

    // What the client receives until the end of the stream.
    std::string receive_all() {
        std::string all;
        run_until(loop, [&] {
            while (std::optional<std::string> data = client->try_recv(16384)) {
                if (data->empty()) {
                    return true;
                }
                all += *data;
            }
            return false;
        });
        return all;
    }
};

std::string numbered_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) {
        bytes[i] = static_cast<char>(i * 7 + i / 251);
    }
    return bytes;
}

} // namespace

TEST_CASE("connection_made comes first, then data, eof and connection_lost, each once") {
    ProtocolTest test;
    test.client->send_all("ab");
    test.client->shutdown_write();
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK(test.record.calls == "made data eof lost");
    CHECK(test.record.received == "ab");
    CHECK(test.record.error == nullptr);
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made data eof lost");
    CHECK(test.receive_all() == "");
}

TEST_CASE("after eof_received returned true the protocol may still write") {
    ProtocolTest test;
    test.record.on_eof = [] { return true; };
    test.client->shutdown_write();
    run_until(test.loop, [&] { return test.record.calls == "made eof"; });
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made eof");
    test.record.transport->write("tail");
    test.record.transport->close();
    CHECK(test.receive_all() == "tail");
    CHECK(test.record.calls == "made eof lost");
}

TEST_CASE("what the kernel does not take is kept in order, and then the writer is removed") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    for (std::size_t i = 0; i < bytes.size(); i += 100'000) {
        test.record.transport->write(std::string_view(bytes).substr(i, 100'000));
    }
    CHECK(test.record.transport->get_write_buffer_size() > 0);
    std::string received;
    run_until(test.loop, [&] {
        while (std::optional<std::string> data = test.client->try_recv(16384)) {
            received += *data;
        }
        return received.size() == bytes.size();
    });
    CHECK(received == bytes);
    CHECK(test.record.transport->get_write_buffer_size() == 0);
    test.polls = 0;
    test.loop.call_later(20ms, [&] { test.loop.stop(); });
    test.loop.run_forever();
    CHECK(test.polls <= 3); // with a writer left behind this would have spun
}

TEST_CASE("after write the caller may use its buffer again") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    std::string buffer = bytes;
    test.record.transport->write(buffer);
    buffer.assign(buffer.size(), 'x');
    test.record.transport->close();
    CHECK(test.receive_all() == bytes);
}

TEST_CASE("write_eof takes effect after the buffer, once, and reading goes on") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    test.record.transport->write(bytes);
    test.record.transport->write_eof();
    test.record.transport->write_eof();
    CHECK_THROWS_AS(test.record.transport->write("x"), std::logic_error);
    CHECK(test.receive_all() == bytes);
    test.client->send_all("still there");
    run_until(test.loop, [&] { return test.record.received == "still there"; });
    CHECK_FALSE(test.is_lost());
}

TEST_CASE("abort drops the buffer, and connection_lost comes once, in a later iteration") {
    ProtocolTest test;
    test.record.transport->write(numbered_bytes(8 << 20));
    test.record.transport->abort();
    CHECK_FALSE(test.is_lost());
    test.record.transport->abort();
    test.record.transport->close();
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made pause lost");
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made pause lost");
}

TEST_CASE("a second close does nothing") {
    ProtocolTest test;
    test.record.transport->close();
    test.record.transport->close();
    CHECK(test.record.transport->is_closing());
    CHECK_FALSE(test.is_lost());
    test.record.transport->write("ignored");
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made lost");
    CHECK(test.receive_all() == "");
}

TEST_CASE("a reset ends only that connection") {
    ProtocolTest test;
    test.record.transport->write("unread");
    run_until(test.loop, [&] { return test.client->try_recv(1).has_value(); });
    test.client.reset(); // with unread data: a reset
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK_THROWS_AS(std::rethrow_exception(test.record.error), std::system_error);
    CHECK(test.reports.empty());
    test.record.calls.clear();
    test.client = test.connect();
    run_until(test.loop, [&] { return test.record.calls == "made"; });
}

TEST_CASE("nothing is read between pause_reading and resume_reading") {
    ProtocolTest test;
    test.record.transport->pause_reading();
    test.record.transport->pause_reading();
    CHECK_FALSE(test.record.transport->is_reading());
    test.client->send_all("x");
    for (int i = 0; i < 3; ++i) {
        run_one_iteration(test.loop);
    }
    CHECK(test.record.received == "");
    test.record.transport->resume_reading();
    test.record.transport->resume_reading();
    CHECK(test.record.transport->is_reading());
    run_until(test.loop, [&] { return test.record.received == "x"; });
}

TEST_CASE("pause_writing comes above the high mark, resume_writing at the low one") {
    ProtocolTest test;
    CHECK_THROWS_AS(test.record.transport->set_write_buffer_limits(4097, 4096),
                    std::invalid_argument);
    test.record.transport->set_write_buffer_limits(1024, 4096);
    while (test.record.transport->get_write_buffer_size() == 0) { // until the kernel is full
        test.record.transport->write(std::string(1024, 'x'));
        REQUIRE(test.record.calls == "made");
    }
    std::size_t size = test.record.transport->get_write_buffer_size();
    test.record.transport->write(std::string(4096 - size, 'x'));
    CHECK(test.record.transport->get_write_buffer_size() == 4096);
    CHECK(test.record.calls == "made"); // equal is not above
    test.record.transport->write("x");
    CHECK(test.record.calls == "made pause");
    test.record.transport->write("x");
    CHECK(test.record.calls == "made pause");
    run_until(test.loop, [&] {
        while (test.client->try_recv(16384)) {
        }
        return test.record.transport->get_write_buffer_size() == 0;
    });
    CHECK(test.record.calls == "made pause resume");
}

TEST_CASE("a protocol that throws loses its connection, and nobody else's") {
    ProtocolTest test;
    test.record.on_data = [](std::string_view) { throw std::runtime_error("broken"); };
    test.client->send_all("x");
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK(test.record.calls == "made data lost");
    CHECK_THROWS_WITH(std::rethrow_exception(test.record.error), "broken");
    CHECK(test.reports.size() == 1);

    test.record.calls.clear();
    test.record.on_eof = []() -> bool { throw std::runtime_error("broken, too"); };
    test.client = test.connect();
    test.client->shutdown_write();
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK(test.record.calls == "made eof lost");
    CHECK_THROWS_WITH(std::rethrow_exception(test.record.error), "broken, too");
}

TEST_CASE("without a free descriptor the server reports it, does not spin, and accepts later") {
    ProtocolTest test;
    Socket waiting = test.connect(); // is in the queue, not accepted yet
    int highest = ::dup(0);
    REQUIRE(highest != -1);
    ::close(highest);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit full = before;
    full.rlim_cur = static_cast<rlim_t>(highest); // no number below it is free
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &full) == 0);
    test.record.calls.clear();
    test.loop.call_later(50ms, [&] { test.loop.stop(); });
    test.loop.run_forever();
    CHECK(test.reports.size() == 1); // more, had it tried at once again
    CHECK(test.reports.front() == "cannot accept a connection");
    CHECK(test.record.calls == "");
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    run_until(test.loop, [&] { return test.record.calls == "made"; });
}

TEST_CASE("a closed server accepts nobody, and is done when its open connections have ended") {
    ProtocolTest test;
    bool is_closed = false;
    test.server->wait_closed([&] { is_closed = true; });
    test.server->close();
    CHECK_THROWS_AS(test.connect(), std::exception);
    test.client->send_all("x");
    run_until(test.loop, [&] { return test.record.received == "x"; });
    run_one_iteration(test.loop);
    CHECK_FALSE(is_closed);
    test.client.reset();
    run_until(test.loop, [&] { return is_closed; });
    CHECK(test.is_lost());
}

TEST_CASE("write_eof from within resume_writing shuts down once") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    test.record.on_resume = [&] { test.record.transport->write_eof(); };
    test.record.transport->write(bytes);
    CHECK(test.receive_all() == bytes);
    CHECK_FALSE(test.is_lost()); // a second shutdown could have failed
}

TEST_CASE("a Server may be destroyed after its loop was closed") {
    ProtocolTest test;
    test.server->wait_closed([] {});
    test.loop.close();
    test.server.reset(); // calls nobody, throws nothing
    CHECK(test.record.calls == "made");
}

TEST_CASE("a Server that is destroyed closes its connections") {
    ProtocolTest test;
    test.server.reset();
    CHECK(test.receive_all() == "");
    CHECK(test.record.calls == "made");
}

TEST_CASE("a transport that is written to in each iteration sends all the same") {
    ProtocolTest test;
    test.record.transport->write(numbered_bytes(8 << 20));
    bool is_writing = true;
    std::function<void()> write_more = [&] {
        if (is_writing) {
            test.record.transport->write("x");
            test.loop.call_soon(write_more);
        }
    };
    write_more();
    std::size_t received = 0;
    run_until(test.loop, [&] {
        while (std::optional<std::string> data = test.client->try_recv(16384)) {
            received += data->size();
        }
        return received > 8 << 20;
    });
    is_writing = false;
    run_one_iteration(test.loop);
}

TEST_CASE("a transport that is told in each iteration to resume reading reads all the same") {
    ProtocolTest test;
    bool is_resuming = true;
    std::function<void()> resume = [&] {
        if (is_resuming) {
            test.record.transport->resume_reading();
            test.loop.call_soon(resume);
        }
    };
    resume();
    test.client->send_all("x");
    run_until(test.loop, [&] { return test.record.received == "x"; });
    is_resuming = false;
    run_one_iteration(test.loop);
}

TEST_CASE("a Server whose listener is no good ends the loop with the error") {
    EventLoop loop;
    Socket listener = listen_on("127.0.0.1", 0);
    std::string address = listener.address();
    Socket client = connect_to("127.0.0.1", static_cast<std::uint16_t>(std::stoi(
                                                address.substr(address.rfind(':') + 1))));
    Record record;
    Server server(loop, listener.accept(), // which does not listen
                  [&] { return std::make_unique<RecordingProtocol>(record); });
    client.send_all("x");
    CHECK_THROWS_AS(loop.run_forever(), std::system_error);
    CHECK(record.calls == "");
}
