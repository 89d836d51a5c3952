#include <idle_clients.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

using namespace std::chrono_literals;

namespace {

const Clock::time_point START = Clock::time_point(1h);

std::vector<int> sorted(std::vector<int> fds) {
    std::sort(fds.begin(), fds.end());
    return fds;
}

} // namespace

TEST_CASE("no client is there") {
    IdleClients clients(10s);
    CHECK(clients.expired(START).empty());
    CHECK(clients.time_to_wait(START) == std::nullopt);
}

TEST_CASE("a client that says nothing") {
    IdleClients clients(10s);
    step("the limit is 10 s; client 5 connects");
    clients.active(5, START);
    CHECK(clients.time_to_wait(START) == 10s);
    step("4 s later");
    CHECK(clients.expired(START + 4s).empty());
    CHECK(clients.time_to_wait(START + 4s) == 6s);
    step("10 s later, exactly: who waits for time_to_wait() must find it");
    CHECK_MESSAGE(clients.expired(START + 10s) == std::vector{5},
                  "a client expires at the limit, not after it");
    CHECK(clients.time_to_wait(START + 10s) == 0s);
    step("even later, the time to wait is not negative");
    CHECK_MESSAGE(clients.time_to_wait(START + 11s) == 0s, "a time to wait is never negative");
}

TEST_CASE("a client that says something starts again") {
    IdleClients clients(10s);
    step("client 5 connects, and sends something after 9 s");
    clients.active(5, START);
    clients.active(5, START + 9s);
    CHECK(clients.expired(START + 18s).empty());
    CHECK(clients.time_to_wait(START + 18s) == 1s);
    CHECK(clients.expired(START + 19s) == std::vector{5});
}

TEST_CASE("of many, the one that has been silent for longest is the next") {
    IdleClients clients(10s);
    step("clients 7, 5 and 6 connect, one second apart; then 7 sends something");
    clients.active(7, START);
    clients.active(5, START + 1s);
    clients.active(6, START + 2s);
    clients.active(7, START + 3s);
    CHECK(clients.time_to_wait(START + 3s) == 8s);
    CHECK(clients.expired(START + 11s) == std::vector{5});
    CHECK(sorted(clients.expired(START + 12s)) == std::vector{5, 6});
    CHECK(sorted(clients.expired(START + 20s)) == std::vector{5, 6, 7});
}

TEST_CASE("a client that has gone is forgotten") {
    IdleClients clients(10s);
    step("client 5 connects and leaves; the next client gets the same descriptor");
    clients.active(5, START);
    clients.remove(5);
    CHECK(clients.time_to_wait(START + 1s) == std::nullopt);
    CHECK(clients.expired(START + 20s).empty());
    clients.active(5, START + 8s);
    CHECK(clients.expired(START + 11s).empty());
    step("to remove one who is not there does nothing");
    clients.remove(6);
}

TEST_CASE("the timeout for select is rounded up") {
    timeval time = to_timeval(2500ms);
    CHECK(time.tv_sec == 2);
    CHECK(time.tv_usec == 500'000);
    step("a nanosecond is not nothing");
    time = to_timeval(1ns);
    CHECK(time.tv_sec == 0);
    CHECK_MESSAGE(time.tv_usec == 1, "rounded down, select would return too early");
    step("0.9999999 s is a second: tv_usec must stay below 1,000,000");
    time = to_timeval(999'999'900ns);
    CHECK(time.tv_sec == 1);
    CHECK(time.tv_usec == 0);
    time = to_timeval(0ns);
    CHECK(time.tv_sec == 0);
    CHECK(time.tv_usec == 0);
}
