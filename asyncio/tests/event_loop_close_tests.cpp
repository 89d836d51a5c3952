// What becomes of callbacks and local objects when a loop is closed.
#include "event_loop.hpp"

#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("EventLoop");

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

TEST_SUITE_END();
