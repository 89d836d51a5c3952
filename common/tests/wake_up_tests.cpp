// Tests of the self-pipe.
#include <doctest/doctest.h>

#include "common/tests/helpers.hpp"
#include "common/wake_up.hpp"

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <poll.h>

TEST_CASE("WakeUp: wake makes it readable and drain clears it") {
    WakeUp wake_up;
    CHECK(!wait_for(wake_up.fd(), POLLIN, 0ms));
    for (int i = 0; i < 100'000; ++i) { // more than the pipe holds: never waits
        wake_up.wake();
    }
    CHECK(wait_for(wake_up.fd(), POLLIN, patience));
    wake_up.drain();
    CHECK(!wait_for(wake_up.fd(), POLLIN, 0ms));
    wake_up.drain();
    wake_up.wake();
    CHECK(wait_for(wake_up.fd(), POLLIN, patience));
}

TEST_CASE("WakeUp: a caught signal wakes and is taken once") {
    WakeUp wake_up;
    wake_up.catch_signal(SIGUSR1);
    CHECK(!wake_up.take_signal(SIGUSR1));
    ::raise(SIGUSR1);
    CHECK(wait_for(wake_up.fd(), POLLIN, patience));
    CHECK(!wake_up.take_signal(SIGUSR2));
    CHECK(wake_up.take_signal(SIGUSR1));
    CHECK(!wake_up.take_signal(SIGUSR1));
    wake_up.release_signal(SIGUSR1);
}

TEST_CASE("WakeUp: take_signals drains and returns each signal that has arrived once") {
    WakeUp wake_up;
    wake_up.catch_signal(SIGUSR1);
    wake_up.catch_signal(SIGUSR2);
    CHECK(wake_up.take_signals().empty());
    ::raise(SIGUSR2);
    ::raise(SIGUSR2);
    CHECK((wake_up.take_signals() == std::vector<int>{SIGUSR2}));
    CHECK(!wait_for(wake_up.fd(), POLLIN, 0ms));
    CHECK(wake_up.take_signals().empty());
    wake_up.release_signal(SIGUSR1);
    wake_up.release_signal(SIGUSR2);
}

TEST_CASE("WakeUp: a signal leaves errno alone") {
    // The code that was interrupted may be about to look at it.
    WakeUp wake_up;
    wake_up.catch_signal(SIGUSR1);
    for (int i = 0; i < 100'000; ++i) { // the pipe is full: the handler's write fails
        wake_up.wake();
    }
    errno = 1234;
    ::raise(SIGUSR1);
    int after = errno;
    CHECK(after == 1234);
    CHECK(wake_up.take_signal(SIGUSR1));
    wake_up.release_signal(SIGUSR1);
}

TEST_CASE("WakeUp: signals that cannot be caught are refused") {
    WakeUp wake_up;
    CHECK_THROWS_AS(wake_up.catch_signal(SIGKILL), std::system_error);
    CHECK_THROWS_AS(wake_up.catch_signal(0), std::system_error);
    CHECK_THROWS_AS(wake_up.catch_signal(100'000), std::system_error);
}

TEST_CASE("WakeUp: only one at a time catches signals and the next may afterwards") {
    {
        WakeUp first;
        first.catch_signal(SIGUSR1);
        WakeUp second;
        CHECK_THROWS_AS(second.catch_signal(SIGUSR2), std::logic_error);
        first.release_signal(SIGUSR1);
    }
    WakeUp third;
    CHECK_NOTHROW(third.catch_signal(SIGUSR1));
    third.release_signal(SIGUSR1);
}

TEST_CASE("WakeUp: a released signal has its usual effect again") {
    auto is_default = [](int signal) {
        struct sigaction action {};
        ::sigaction(signal, nullptr, &action);
        return action.sa_handler == SIG_DFL;
    };
    WakeUp wake_up;
    wake_up.catch_signal(SIGUSR1);
    CHECK(!is_default(SIGUSR1));
    wake_up.release_signal(SIGUSR1);
    CHECK(is_default(SIGUSR1));
}
