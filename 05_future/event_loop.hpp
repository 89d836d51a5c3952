// The event loop: it waits until something can be done without waiting, and calls the function
// that was registered for it. Stage 03's loop, without the clients. The names are asyncio's.
#pragma once

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/wake_up.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

using Callback = std::function<void()>;
using Clock = std::chrono::steady_clock;

class EventLoop {
  public:
    explicit EventLoop(std::unique_ptr<Selector> selector = make_default_selector())
        : selector_(std::move(selector)) {}
    ~EventLoop() { close(); }

    // Runs until stop() is called; throws the error that stop() was given.
    void run_forever() {
        while (!is_stopping_) {
            run_once();
        }
        is_stopping_ = false;
        if (error_) {
            std::rethrow_exception(std::exchange(error_, nullptr));
        }
    }
    // Makes run_forever return at the end of this turn.
    void stop(std::exception_ptr error = nullptr) {
        is_stopping_ = true;
        error_ = error ? error : error_;
    }
    // Destroys all callbacks; the loop cannot run again. (A socket that one owns calls forget.)
    void close() {
        auto watched = std::exchange(watched_, {});
        auto timers = std::exchange(timers_, {});
        auto ready = std::exchange(ready_, {});
    }

    // `callback` is called in each turn in which the descriptor can be read, or written, until
    // it is removed or replaced. Throw std::system_error if the selector cannot watch it.
    void add_reader(int fd, Callback callback) { watch(fd, READ, std::move(callback)); }
    void add_writer(int fd, Callback callback) { watch(fd, WRITE, std::move(callback)); }
    void remove_reader(int fd) { unwatch(fd, READ); }
    void remove_writer(int fd) { unwatch(fd, WRITE); }
    void watch(int fd, Events event, Callback callback) {
        Watched& watched = watched_[fd];
        selector_->change(fd, watched.registered, watched.registered | event);
        watched.callbacks[event] = std::make_shared<Callback>(std::move(callback));
    }
    bool is_watched(int fd, Events event) { return watched_[fd].callbacks[event] != nullptr; }
    void unwatch(int fd, Events event) {
        watched_[fd].reported &= ~event;
        auto removed = std::exchange(watched_[fd].callbacks[event], nullptr);
    }
    // Call it before you close the descriptor: the next one may get the same number.
    void forget(int fd) {
        Watched forgotten = std::exchange(watched_[fd], {});
        selector_->change(fd, forgotten.registered, 0);
    }

    // `callback` is called once, in the next turn, or in the first one after `delay`.
    void call_soon(Callback callback) { ready_.push_back(std::move(callback)); }
    void call_later(Clock::duration delay, Callback callback) {
        timers_.emplace(Clock::now() + delay, std::move(callback));
    }
    // `callback` is called whenever the signal has arrived. Throws as WakeUp::catch_signal.
    void add_signal_handler(int signal, Callback callback) {
        wake_up_.catch_signal(signal);
        signal_handlers_[signal] = std::move(callback);
        add_reader(wake_up_.fd(), [this] {
            for (int arrived : wake_up_.take_signals()) {
                call_soon(signal_handlers_[arrived]);
            }
        });
    }

  private:
    struct Watched {
        std::shared_ptr<Callback> callbacks[3]; // for READ and for WRITE
        Events registered = 0;                  // the selector watches for them
        Events reported = 0;                    // by the last select, and not removed since
    };

    // One turn: wait, then call what can go on.
    void run_once() {
        std::optional<Clock::duration> timeout; // none: until something happens
        if (!ready_.empty()) {
            timeout = Clock::duration(0);
        } else if (!timers_.empty()) {
            timeout = timers_.begin()->first - Clock::now();
        }
        const std::vector<ReadyFd>& ready_fds = selector_->select(timeout);
        for (auto [fd, events] : ready_fds) {
            watched_[fd].reported = events;
        }
        for (auto [fd, events] : ready_fds) {
            call_waiting(fd, READ);
            call_waiting(fd, WRITE);
        }
        while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
            call_soon(timers_.extract(timers_.begin()).mapped());
        }
        std::swap(ready_, running_); // what they add has to wait: the sockets come first
        for (const Callback& callback : running_) {
            call(callback);
        }
        running_.clear();
    }

    void call_waiting(int fd, Events event) {
        Watched& watched = watched_[fd];
        if ((watched.reported & event) == 0) {
            return; // not ready, or removed by another callback of this turn
        }
        if (auto callback = watched.callbacks[event]) { // shared: it may remove itself
            call(*callback);
        } else if (ready_.empty()) { // nothing waits for it, nor will in this turn
            selector_->change(fd, watched.registered, watched.registered & ~event);
        }
    }

    static void call(const Callback& callback) {
        try {
            callback();
        } catch (...) { // ends neither the loop nor the other callbacks
            log_exception("exception in a callback of the event loop");
        }
    }

    std::unique_ptr<Selector> selector_;
    std::unordered_map<int, Watched> watched_; // by descriptor
    std::multimap<Clock::time_point, Callback> timers_;
    std::vector<Callback> ready_;   // for the next turn
    std::vector<Callback> running_; // in this turn
    WakeUp wake_up_;
    std::map<int, Callback> signal_handlers_;
    bool is_stopping_ = false;
    std::exception_ptr error_; // for run_forever to throw
};
