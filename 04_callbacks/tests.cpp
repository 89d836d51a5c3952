// What the event loop guarantees; asyncio's own tests assert most of it.
#include "event_loop.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"
#include "support/testing/unit_tests.hpp"

#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("event_loop.hpp");

TEST_CASE("callbacks run in order, each once, and what they add waits for the sockets") {
    EventLoop loop;
    SocketPair pair;
    std::string log;
    loop.add_reader(pair.ours.fd(), [&] { log += pair.ours.try_recv(1).value(); });
    loop.call_soon([&] {
        log += "A";
        pair.theirs.send_all("R");
        loop.call_soon([&] { log += "C"; });
    });
    loop.call_soon([&] { log += "B"; });
    run_one_turn(loop);
    CHECK(log == "AB");
    run_one_turn(loop);
    run_one_turn(loop);
    CHECK(log == "ABRC");
}
TEST_CASE(
    "a callback that adds itself does not starve the sockets: each is served in its turn") {
    EventLoop loop;
    SocketPair pairs[3];
    std::string log;
    std::function<void()> again = [&] {
        log += ".";
        loop.call_soon(again);
    };
    loop.call_soon(again);
    for (SocketPair& pair : pairs) {
        loop.add_reader(pair.ours.fd(), [&] { log += pair.ours.try_recv(1).value(); });
    }
    pairs[0].theirs.send_all("0");
    run_one_turn(loop);
    pairs[1].theirs.send_all("1");
    pairs[2].theirs.send_all("2");
    run_one_turn(loop);
    run_one_turn(loop);
    CHECK((log == "0.12.." || log == "0.21.."));
}

TEST_CASE("timers run in order, equal ones as they were set, each once, not too early") {
    EventLoop loop;
    std::vector<int> log;
    std::vector<int> expected = {-1};
    for (int i = 0; i < 100; ++i) {
        loop.call_later(0ms, [&log, i] { log.push_back(i); });
        expected.push_back(i);
    }
    loop.call_later(-1s, [&] { log.push_back(-1); });
    loop.call_later(1ms, [&] { log.push_back(100); });
    expected.push_back(100);
    Clock::time_point start = Clock::now();
    loop.call_later(20ms, [&] { // set last, so it is due last, on a slow machine as well
        CHECK(Clock::now() - start >= 20ms);
        loop.stop();
    });
    loop.run_forever();
    run_one_turn(loop);
    CHECK(log == expected);
}

TEST_CASE("the loop waits for a timer, however short, and does not spin") {
    SelectorCalls calls;
    EventLoop loop(std::make_unique<TestSelector>(calls));
    Clock::duration delays[] = {10ms, 100us, 1us, 10ns, 1ns, 0ns};
    for (Clock::duration delay : delays) {
        loop.call_later(delay, [&] { loop.stop(); });
        loop.run_forever();
    }
    CHECK(calls.waits <= 20);
}

TEST_CASE("an exception in a callback, of any type, is reported and ends nothing else") {
    EventLoop loop;
    SocketPair pair;
    std::string log;
    loop.add_reader(pair.ours.fd(), [&] {
        log += "R";
        throw std::logic_error("reader");
    });
    pair.theirs.send_all("x");
    loop.call_soon([] { throw std::runtime_error("soon"); });
    loop.call_soon([] { throw 42; });
    loop.call_later(0ms, [] { throw std::runtime_error("later"); });
    loop.call_soon([&] { log += "S"; });
    CapturedErrors errors;
    run_one_turn(loop);
    run_one_turn(loop);
    std::string where = "exception in a callback of the event loop: ";
    CHECK(errors.text() == where + "reader\n" + where + "soon\n" + where +
                               "an exception that is not a std::exception\n" + where +
                               "later\n" + where + "reader\n");
    CHECK(log == "RSR");
}

TEST_CASE("reader and writer are independent, and a second one replaces the first") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        SocketPair pair;
        int fd = pair.ours.fd();
        std::string log;
        loop.add_reader(fd, [&] { log += "r"; });
        loop.add_reader(fd, [&] { log += "R"; });
        loop.add_writer(fd, [&] { log += "W"; });
        CHECK(loop.is_watched(fd, READ));
        run_one_turn(loop);
        pair.theirs.send_all("x");
        run_one_turn(loop);
        CHECK(log == "WRW");
        loop.remove_writer(fd);
        run_one_turn(loop);
        CHECK(log == "WRWR");
        loop.remove_reader(fd);
        loop.remove_reader(fd); // does nothing
        CHECK_FALSE(loop.is_watched(fd, READ));
        loop.add_writer(fd, [&] { log += "w"; });
        run_one_turn(loop);
        CHECK(log == "WRWRw");
    }
}

TEST_CASE("a reader may remove or replace itself, and still use what it has captured") {
    EventLoop loop;
    SocketPair pair;
    int fd = pair.ours.fd();
    std::string log;
    auto captured = std::make_shared<std::string>("first ");
    std::weak_ptr<std::string> is_alive = captured;
    loop.add_reader(fd, [&, fd, captured = std::move(captured)] {
        std::weak_ptr<std::string>& alive = is_alive; // our captures may go in a moment
        std::string& the_log = log;
        loop.add_reader(fd, [&, fd] {
            loop.remove_reader(fd);
            log += "second";
        });
        the_log += alive.expired() ? "destroyed " : *captured;
    });
    pair.theirs.send_all("x");
    run_one_turn(loop);
    CHECK(log == "first ");
    CHECK(is_alive.expired());
    run_one_turn(loop);
    run_one_turn(loop);
    CHECK(log == "first second");
}

TEST_CASE(
    "a callback that another one of the turn has removed is not called, nor its successor") {
    for (bool is_replaced : {false, true}) {
        EventLoop loop;
        SocketPair pairs[2];
        std::string log;
        auto remove_both = [&] {
            log += "called ";
            for (SocketPair& pair : pairs) {
                loop.remove_reader(pair.ours.fd());
                if (is_replaced) {
                    loop.add_reader(pair.ours.fd(), [&] { log += "later "; });
                }
            }
        };
        for (SocketPair& pair : pairs) {
            pair.theirs.send_all("x");
            loop.add_reader(pair.ours.fd(), remove_both);
        }
        run_one_turn(loop);
        CHECK(log == "called ");
        run_one_turn(loop);
        CHECK(log == (is_replaced ? "called later later " : "called "));
    }
}

TEST_CASE(
    "a descriptor that is closed and used again in one turn gets no event of the old one") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        auto first = std::make_unique<SocketPair>();
        auto second = std::make_unique<SocketPair>();
        std::unique_ptr<SocketPair> reborn;
        std::string log;
        int number = -1;
        auto replace = [&](std::unique_ptr<SocketPair>& other) {
            log += "old";
            number = other->ours.fd();
            loop.forget(number);
            other.reset();
            reborn = std::make_unique<SocketPair>(); // gets the lowest numbers that are free
            REQUIRE(reborn->ours.fd() == number);
            loop.add_reader(number, [&] { log += "new"; });
        };
        loop.add_reader(first->ours.fd(), [&] { replace(second); });
        loop.add_reader(second->ours.fd(), [&] { replace(first); });
        first->theirs.send_all("x");
        second->theirs.send_all("x");
        run_one_turn(loop);
        CHECK(log == "old");
        loop.forget(first ? first->ours.fd() : second->ours.fd());
        reborn->theirs.send_all("x");
        run_one_turn(loop);
        CHECK(log == "oldnew");
    }
}

TEST_CASE("what is removed and added again is not told to the system") {
    SelectorCalls calls;
    EventLoop loop(std::make_unique<TestSelector>(calls));
    SocketPair pair;
    int fd = pair.ours.fd();
    int messages = 0;
    std::function<void()> receive = [&] {
        loop.remove_reader(fd); // as an operation does that is done
        pair.ours.try_recv(10);
        loop.call_soon([&] { // as the handler that asks for the next one
            loop.add_reader(fd, receive);
            pair.theirs.send_all("x");
            ++messages;
        });
    };
    loop.add_reader(fd, receive);
    pair.theirs.send_all("x");
    while (messages < 1000) {
        run_one_turn(loop);
    }
    CHECK(calls.changes == 1);
}

TEST_CASE("data that no callback waits for wakes the loop once, and does not make it spin") {
    SelectorCalls calls;
    EventLoop loop(std::make_unique<TestSelector>(calls));
    SocketPair pair;
    loop.add_reader(pair.ours.fd(), [&] { loop.remove_reader(pair.ours.fd()); });
    pair.theirs.send_all("x");
    loop.call_later(20ms, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(calls.waits < 8);
    std::string received;
    loop.add_reader(pair.ours.fd(), [&] { received = pair.ours.try_recv(10).value(); });
    run_one_turn(loop);
    CHECK(received == "x");
}

TEST_CASE("stop: this turn is the last one, and run_forever throws its error, once") {
    EventLoop loop;
    std::string log;
    loop.stop();
    loop.call_soon([&] { log += "A"; });
    loop.run_forever(); // without a turn
    CHECK(log == "");
    auto error = std::make_exception_ptr(std::runtime_error("no more clients"));
    loop.call_soon([&] { loop.stop(error); });
    loop.call_soon([&] {
        log += "B";
        loop.call_soon([&] { log += "C"; });
    });
    CHECK_THROWS_WITH(loop.run_forever(), "no more clients");
    CHECK(log == "AB");
    run_one_turn(loop);
    CHECK(log == "ABC");
}
TEST_CASE("close destroys all callbacks, also those that own what leaves the loop then") {
    struct Watched { // as a client that owns its socket
        EventLoop& loop;
        SocketPair pair;
        ~Watched() { loop.forget(pair.ours.fd()); }
    };
    EventLoop loop;
    SocketPair pair;
    auto captured = std::make_shared<int>(0);
    std::shared_ptr<Watched> client(new Watched{loop, {}});
    std::weak_ptr<Watched> is_alive = client;
    loop.call_soon([captured] {});
    loop.call_later(1h, [captured] {});
    loop.add_reader(pair.ours.fd(), [captured] {});
    loop.add_writer(pair.ours.fd(), [captured] {});
    int fd = client->pair.ours.fd();
    loop.add_reader(fd, [client = std::move(client)] {});
    std::shared_ptr<void> closes(nullptr, [&](void*) { loop.close(); });
    loop.call_soon([closes = std::move(closes)] {});
    loop.close();
    loop.close();
    CHECK(captured.use_count() == 1);
    CHECK(is_alive.expired());
}

TEST_CASE("a signal becomes an ordinary callback, in one loop of the process") {
    auto loop = std::make_unique<EventLoop>();
    std::string log;
    loop->add_signal_handler(SIGUSR1, [&] { log += "replaced"; });
    loop->add_signal_handler(SIGUSR1, [&] { log += "1"; });
    loop->add_signal_handler(SIGUSR2, [&] {
        log += "2";
        loop->call_soon([&] { loop->stop(); }); // what a signal handler must not do
    });
    loop->call_later(1ms, [] { ::raise(SIGUSR1); });
    loop->call_later(2ms, [] { ::raise(SIGUSR2); });
    loop->run_forever();
    CHECK(log == "12");
    CHECK_THROWS_AS(loop->add_signal_handler(SIGKILL, [] {}), std::system_error);
    EventLoop second;
    CHECK_THROWS_AS(second.add_signal_handler(SIGUSR1, [] {}), std::logic_error);
    loop.reset();
    second.add_signal_handler(SIGUSR1, [] {});
}
TEST_CASE("what the selector cannot watch is an error, and the loop goes on") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        CHECK_THROWS_AS(loop.add_reader(-1, [] {}), std::system_error);
        CHECK_THROWS_AS(loop.add_writer(-1, [] {}), std::system_error);
        CHECK_FALSE(loop.is_watched(-1, READ));
        run_one_turn(loop);
    }
}
TEST_CASE("an error of the selector that waits comes out of run_forever") {
    SelectorCalls calls;
    EventLoop loop(std::make_unique<TestSelector>(calls));
    bool has_run = false;
    loop.call_soon([&] { has_run = true; });
    calls.before_wait = [] { throw std::runtime_error("cannot wait"); };
    CHECK_THROWS_WITH(loop.run_forever(), "cannot wait");
    CHECK_FALSE(has_run);
    calls.before_wait = [] {};
    run_one_turn(loop);
    CHECK(has_run);
}
