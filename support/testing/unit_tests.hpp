// What the unit tests of several stages need.
#pragma once

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// Waits for nothing, and calls what is ready. The loop is stopped by a timer: while a callback is
// there for the next turn, the loop keeps watching what no callback waits for.
template <typename EventLoop>
void run_one_turn(EventLoop& loop) {
    loop.call_later(std::chrono::milliseconds(0), [&loop] { loop.stop(); });
    loop.run_forever();
}

// Runs the loop until `condition` holds. Fails instead of hanging.
template <typename EventLoop, typename Condition>
void run_until(EventLoop& loop, Condition condition) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        loop.call_later(std::chrono::milliseconds(1), [&loop] { loop.stop(); });
        loop.run_forever();
    }
}

// Runs a program of coroutines, until `main` has ended. Fails instead of hanging.
template <typename EventLoop, typename Coroutine>
void run_to_the_end(EventLoop& loop, Coroutine main) {
    loop.call_later(std::chrono::seconds(20), [&loop] {
        loop.stop(std::make_exception_ptr(std::runtime_error("main has not ended")));
    });
    run(loop, std::move(main));
}

// Two ends of a connection, both non-blocking.
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

// A selector that counts its calls, and runs a function of the test before each of them.
struct SelectorCalls {
    int waits = 0;
    int changes = 0; // of what is watched
    std::function<void()> before_wait = [] {};
    std::function<void()> before_change = [] {};
};

class TestSelector : public Selector {
  public:
    explicit TestSelector(SelectorCalls& calls) : calls_(calls) {}

    void register_fd(int fd, Events events) override {
        note_change();
        selector_->register_fd(fd, events);
    }
    void modify(int fd, Events events) override {
        note_change();
        selector_->modify(fd, events);
    }
    void unregister(int fd) override {
        note_change();
        selector_->unregister(fd);
    }
    const std::vector<ReadyFd>&
    select(std::optional<std::chrono::nanoseconds> timeout) override {
        ++calls_.waits;
        calls_.before_wait();
        return selector_->select(timeout);
    }

  private:
    void note_change() {
        ++calls_.changes;
        calls_.before_change();
    }

    SelectorCalls& calls_;
    std::unique_ptr<Selector> selector_ = make_default_selector();
};

// Collects what the process writes to standard error.
class CapturedErrors {
  public:
    CapturedErrors() {
        std::fflush(stderr);
        ::dup2(::fileno(file_.get()), STDERR_FILENO);
    }
    CapturedErrors(const CapturedErrors&) = delete;
    CapturedErrors& operator=(const CapturedErrors&) = delete;
    ~CapturedErrors() { restore(); }

    std::string text() {
        restore();
        std::rewind(file_.get());
        std::array<char, 4096> buffer{};
        return {buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file_.get())};
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    void restore() {
        std::fflush(stderr);
        if (before_ != -1) {
            ::dup2(before_, STDERR_FILENO);
            ::close(std::exchange(before_, -1));
        }
    }

    std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
    int before_ = ::dup(STDERR_FILENO);
};

// While it lives, the process cannot open another descriptor.
class NoFreeDescriptor {
  public:
    NoFreeDescriptor() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        int next = ::dup(STDIN_FILENO);
        REQUIRE(next != -1);
        ::close(next);
        rlimit full{static_cast<rlim_t>(next), before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &full) == 0);
    }
    NoFreeDescriptor(const NoFreeDescriptor&) = delete;
    NoFreeDescriptor& operator=(const NoFreeDescriptor&) = delete;
    ~NoFreeDescriptor() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

// The port in "127.0.0.1:50312".
inline std::uint16_t port_in(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

// Writes to a log when it is destroyed, as a local variable of a coroutine.
struct Witness {
    std::string& log;
    char name;
    ~Witness() { log += name; }
};
