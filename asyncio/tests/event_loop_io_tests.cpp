// Readers and writers: descriptors that are ready, replaced, removed and closed.
#include "event_loop.hpp"

#include "tests/testing.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <system_error>

#include <unistd.h>

TEST_SUITE_BEGIN("EventLoop");

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

TEST_CASE("a descriptor that is reported though it has no callback is ignored") {
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

TEST_SUITE_END();
