// Tests of the selectors: each case runs with every one that this system has.
#include <doctest/doctest.h>

#include "common/selector.hpp"
#include "common/tests/helpers.hpp"
#include "common/wake_up.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

namespace {

// Sends until the kernel takes no more.
void fill(Socket& socket) {
    socket.set_blocking(false);
    std::string data(64 * 1024, 'x');
    while (socket.try_send(data) || wait_for(socket.fd(), POLLOUT, 100ms)) {
    }
}

// What the selector says about `fd`, after a wait of at most a moment.
Events ready_events(Selector& selector, int fd, std::chrono::nanoseconds timeout = 100ms) {
    Events events = 0;
    for (const ReadyFd& ready : selector.select(timeout)) {
        if (ready.fd == fd) {
            events |= ready.events;
        }
    }
    return events;
}

} // namespace

TEST_CASE("Selector: there is one for each name and none for another") {
    std::vector<std::string> names = selector_names();
    CHECK(names.size() == 3);
    for (const std::string& name : names) {
        CHECK(is_selector_name(name));
        CHECK(make_selector(name) != nullptr);
    }
    CHECK(make_selector("") != nullptr);
    CHECK(!is_selector_name("telepathy"));
    CHECK_THROWS_AS(make_selector("telepathy"), std::invalid_argument);
}

TEST_CASE("Selector: readiness is level-triggered") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        Connection pair;
        int fd = pair.server.fd();
        selector->register_fd(fd, READ);
        CHECK(ready_events(*selector, fd, 0ms) == 0);
        pair.client.send_all("ab");
        CHECK(ready_events(*selector, fd, patience) == READ);
        CHECK(ready_events(*selector, fd) == READ); // as long as it is so
        CHECK(pair.server.recv(1) == "a");
        CHECK(ready_events(*selector, fd) == READ);
        CHECK(pair.server.recv(1) == "b");
        CHECK(ready_events(*selector, fd, 0ms) == 0);
        selector->unregister(fd);
    }
}

TEST_CASE("Selector: modify and unregister change what is reported") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        Connection pair;
        Connection other;
        int fd = pair.server.fd();
        selector->register_fd(fd, WRITE);
        selector->register_fd(other.server.fd(), READ);
        CHECK(ready_events(*selector, fd) == WRITE);
        pair.client.send_all("x");
        REQUIRE(wait_for(fd, POLLIN, patience));
        CHECK(ready_events(*selector, fd) == WRITE); // reading was not asked for
        selector->modify(fd, READ);
        CHECK(ready_events(*selector, fd) == READ);
        selector->modify(fd, READ | WRITE);
        CHECK(ready_events(*selector, fd) == (READ | WRITE));
        selector->unregister(fd);
        CHECK(ready_events(*selector, fd) == 0);

        other.client.send_all("y"); // the other one is still there
        CHECK(ready_events(*selector, other.server.fd(), patience) == READ);
        selector->register_fd(fd, READ); // and one may come back
        CHECK(ready_events(*selector, fd) == READ);
        selector->unregister(fd);
        selector->unregister(other.server.fd());
    }
}

TEST_CASE("Selector: change registers, modifies and unregisters, as needed") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        Connection pair;
        int fd = pair.server.fd();
        pair.client.send_all("x");
        REQUIRE(wait_for(fd, POLLIN, patience));
        Events registered = 0;
        for (Events events : {0U, READ, READ, READ | WRITE, WRITE, 0U, 0U, WRITE}) {
            CAPTURE(events);
            selector->change(fd, registered, events);
            CHECK(registered == events);
            CHECK(ready_events(*selector, fd, 0ms) == events);
        }
        selector->change(fd, registered, 0);
    }
}

TEST_CASE("Selector: many descriptors are reported, a few at a time") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        std::vector<Connection> pairs(50);
        for (Connection& pair : pairs) {
            selector->register_fd(pair.server.fd(), READ);
        }
        for (std::size_t i = 0; i < pairs.size(); i += 2) { // every other one leaves
            selector->unregister(pairs[i].server.fd());
        }
        for (Connection& pair : pairs) {
            pair.client.send_all("x");
            REQUIRE(wait_for(pair.server.fd(), POLLIN, patience));
        }
        std::set<int> expected;
        for (std::size_t i = 1; i < pairs.size(); i += 2) {
            expected.insert(pairs[i].server.fd());
        }
        std::set<int> found;
        for (int turn = 0; turn < 4; ++turn) { // though all are ready in each of them
            for (const ReadyFd& ready : selector->select(100ms)) {
                found.insert(ready.fd);
            }
        }
        bool is_same = found == expected;
        CHECK(is_same);
    }
}

TEST_CASE("Selector: a hang-up or an error is reported as what was asked for") {
    for (const std::string& name : selector_names()) {
        for (Events asked : {READ, WRITE, READ | WRITE}) {
            CAPTURE(name);
            CAPTURE(asked);
            std::unique_ptr<Selector> selector = make_selector(name);
            Connection pair;
            fill(pair.server); // so that it is not writable anyway
            selector->register_fd(pair.server.fd(), asked);
            CHECK(ready_events(*selector, pair.server.fd(), 0ms) == 0);
            reset(pair.client);
            Events found = ready_events(*selector, pair.server.fd(), patience);
            CHECK(found != 0);
            CHECK((found & ~asked) == 0);
            selector->unregister(pair.server.fd());
        }
    }
}

TEST_CASE("Selector: a pipe whose other end is closed is ready") {
    // Here poll and epoll report only the error or the hang-up, not "readable" or "writable".
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        Socket reading(ends[0], "a pipe");
        Socket writing(ends[1], "a pipe");
        selector->register_fd(reading.fd(), READ);
        CHECK(ready_events(*selector, reading.fd(), 0ms) == 0);
        writing.close();
        CHECK(ready_events(*selector, reading.fd(), patience) == READ);
        selector->unregister(reading.fd());

        REQUIRE(::pipe(ends) == 0);
        reading = Socket(ends[0], "a pipe");
        writing = Socket(ends[1], "a pipe");
        ::fcntl(writing.fd(), F_SETFL, O_NONBLOCK);
        while (::write(writing.fd(), "x", 1) == 1) {
        }
        selector->register_fd(writing.fd(), WRITE);
        CHECK(ready_events(*selector, writing.fd(), 0ms) == 0);
        reading.close();
        CHECK(ready_events(*selector, writing.fd(), patience) == WRITE);
        selector->unregister(writing.fd());
    }
}

TEST_CASE("Selector: timeouts are kept and rounded up") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        CHECK(selector->select(0ns).empty());
        CHECK(selector->select(-5s).empty()); // the past: do not wait
        auto start = Clock::now();
        CHECK(selector->select(20ms).empty());
        CHECK(Clock::now() - start >= 20ms);
        // A wait that is shorter than the system call can express is not one of zero: then a
        // loop that waits for a timer would spin.
        start = Clock::now();
        int rounds = 0;
        while (Clock::now() - start < 1ms) {
            selector->select(500us);
            ++rounds;
        }
        CHECK(rounds <= 2);
        start = Clock::now();
        CHECK(selector->select(1us).empty());
        CHECK(Clock::now() - start >= 1us);
    }
}

TEST_CASE("Selector: without a timeout it waits for an event") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        WakeUp wake_up;
        selector->register_fd(wake_up.fd(), READ);
        std::thread waker([&] { wake_up.wake(); });
        const std::vector<ReadyFd>& ready = selector->select(std::nullopt);
        waker.join();
        REQUIRE(ready.size() == 1);
        CHECK(ready.front().fd == wake_up.fd());
        selector->unregister(wake_up.fd());
    }
}

TEST_CASE("Selector: a signal ends the wait early") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        WakeUp wake_up;
        wake_up.catch_signal(SIGUSR1);
        selector->register_fd(wake_up.fd(), READ);
        CHECK(selector->select(0ms).empty());         // not yet
        std::thread sender([] { ::raise(SIGUSR1); }); // handled there
        while (!wake_up.take_signal(SIGUSR1)) {       // select returns nothing, or the pipe
            selector->select(std::nullopt);
        }
        sender.join();
        selector->unregister(wake_up.fd());
        wake_up.release_signal(SIGUSR1);
    }
}

TEST_CASE("Selector: select refuses a descriptor beyond its set") {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    rlimit before = limit;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, FD_SETSIZE + 10);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    WakeUp wake_up;
    Socket high(::fcntl(wake_up.fd(), F_DUPFD, FD_SETSIZE), "a pipe");
    if (high.fd() == -1) {
        MESSAGE("skipped: we may not open enough descriptors");
        return;
    }
    wake_up.wake();
    std::unique_ptr<Selector> selector = make_selector("select");
    CHECK_THROWS_AS(selector->register_fd(high.fd(), READ), std::system_error);
    CHECK(selector->select(0ms).empty());
    selector = make_selector("poll"); // has no such limit
    selector->register_fd(high.fd(), READ);
    CHECK(ready_events(*selector, high.fd()) == READ);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("Selector: a descriptor that is not open is refused") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        CHECK_THROWS_AS(selector->register_fd(-1, READ), std::system_error);
        CHECK(selector->select(0ns).empty());
    }
}
