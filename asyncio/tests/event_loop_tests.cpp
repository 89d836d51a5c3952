// The order of callbacks, the end of the loop, exceptions, threads and signals.
#include "event_loop.hpp"

#include "tests/testing.hpp"

#include "common/log.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <sys/time.h>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("EventLoop");

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

TEST_CASE("a callback that adds itself again and again does not starve I/O") {
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

TEST_CASE("stop with an error makes run_forever throw it once") {
    EventLoop loop;
    loop.call_soon([&] { loop.stop(std::make_exception_ptr(std::runtime_error("broken"))); });
    CHECK_THROWS_WITH(loop.run_forever(), "broken");
    CHECK_FALSE(loop.is_running());
    run_one_iteration(loop);
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

TEST_CASE("debug mode reports a callback that holds the loop, and what it waited for") {
    auto hold_the_loop = [] { compute_for(101ms); };
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
    auto raise_signal = [&](EventLoop& loop) {
        loop.add_signal_handler(SIGUSR1, hold_the_loop);
        ::raise(SIGUSR1);
    };
    CHECK(report_of(true, raise_signal) ==
          "the handler of signal " + std::to_string(SIGUSR1) + " held the event loop");
}

TEST_CASE("the debug mode of the program is that of its loops") {
    set_debug_mode(true);
    EventLoop loop;
    set_debug_mode(false);
    std::string report;
    loop.set_exception_handler(
        [&](const ExceptionContext& context) { report = context.message; });
    loop.call_soon([] { compute_for(101ms); });
    run_one_iteration(loop);
    CHECK(report.starts_with("a callback of call_soon held the event loop for "));
}

TEST_SUITE_END();
