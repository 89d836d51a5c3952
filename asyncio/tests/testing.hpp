// What the tests share: an event loop that runs in small steps, and sockets to talk to.
#pragma once

#include "async_socket.hpp"
#include "event_loop.hpp"
#include "task.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

// asyncio's tests do the same: stop() before run_forever() means one iteration without waiting.
inline void run_one_iteration(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

// Runs the loop until `condition` holds. Fails instead of hanging.
template <typename Condition>
void run_until(EventLoop& loop, Condition condition) {
    Clock::time_point deadline = Clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        REQUIRE(Clock::now() < deadline);
        loop.call_later(std::chrono::milliseconds(1), [&loop] { loop.stop(); });
        loop.run_forever();
    }
}

template <typename T>
T run_coroutine(EventLoop& loop, Coroutine<T> coroutine) {
    return run_until_complete(loop,
                              static_cast<Future<T>>(create_task(loop, std::move(coroutine))));
}

// Keeps the processor busy, as a callback that computes does.
inline void compute_for(std::chrono::nanoseconds duration) {
    Clock::time_point end = Clock::now() + duration;
    while (Clock::now() < end) {
    }
}

inline std::exception_ptr error(const std::string& text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

// The messages that reach the exception handler of the loop.
inline std::shared_ptr<std::vector<std::string>> reports_of(EventLoop& loop) {
    auto reports = std::make_shared<std::vector<std::string>>();
    loop.set_exception_handler(
        [reports](const ExceptionContext& context) { reports->push_back(context.message); });
    return reports;
}

// Counts the polls, that is, the iterations of the loop.
class CountingSelector : public Selector {
  public:
    explicit CountingSelector(int& count,
                              std::unique_ptr<Selector> selector = make_default_selector())
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

inline std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

// A connection over loopback: two AsyncSockets of the same loop.
struct Connection {
    AsyncSocket ours;
    AsyncSocket theirs;

    static Connection open(EventLoop& loop) {
        Socket listener = listen_on("127.0.0.1", 0);
        Socket theirs = connect_to("127.0.0.1", port_of(listener.address()));
        return {AsyncSocket(loop, listener.accept()), AsyncSocket(loop, std::move(theirs))};
    }
};
