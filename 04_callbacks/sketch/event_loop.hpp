// The event loop as one writes it first: it waits, and calls whoever can go on.
// The same file in every stage from 04 on.
#pragma once

#include "common/selector.hpp"
#include "common/wake_up.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

using Callback = std::function<void()>;
using Clock = std::chrono::steady_clock;

class EventLoop {
  public:
    explicit EventLoop(std::unique_ptr<Selector> selector) : selector_(std::move(selector)) {}

    void run_forever() {
        while (!is_stopping_) {
            run_once();
        }
        if (error_) {
            std::rethrow_exception(error_);
        }
    }
    void stop(std::exception_ptr error = nullptr) {
        is_stopping_ = true;
        error_ = error;
    }

    // `callback` is called whenever the descriptor can be read, or written.
    void add_reader(int fd, Callback callback) { watch(fd, READ, std::move(callback)); }
    void add_writer(int fd, Callback callback) { watch(fd, WRITE, std::move(callback)); }
    void remove_reader(int fd) { watch(fd, READ, nullptr); }
    void remove_writer(int fd) { watch(fd, WRITE, nullptr); }
    void call_soon(Callback callback) { ready_.push_back(std::move(callback)); }
    void call_later(Clock::duration delay, Callback callback) {
        timers_.emplace(Clock::now() + delay, std::move(callback));
    }
    void add_signal_handler(int signal, Callback callback) {
        wake_up_.catch_signal(signal);
        signal_handlers_[signal] = std::move(callback);
        add_reader(wake_up_.fd(), [this] {
            wake_up_.drain();
            for (const auto& [caught, handler] : signal_handlers_) {
                if (wake_up_.take_signal(caught)) {
                    call_soon(handler);
                }
            }
        });
    }

  private:
    // One turn: wait, then call whoever can go on.
    void run_once() {
        for (auto [fd, events] : selector_->select(time_to_wait())) {
            for (Events event : {READ, WRITE}) {
                if ((events & event) != 0) {
                    call_soon(waiters_[{fd, event}]);
                }
            }
        }
        while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
            call_soon(timers_.extract(timers_.begin()).mapped());
        }
        while (!ready_.empty()) {
            Callback callback = std::move(ready_.front());
            ready_.pop_front();
            callback();
        }
    }

    std::optional<Clock::duration> time_to_wait() {
        if (timers_.empty() && ready_.empty()) {
            return std::nullopt; // until something happens
        }
        Clock::time_point next = ready_.empty() ? timers_.begin()->first : Clock::now();
        return std::max(Clock::duration(0), next - Clock::now());
    }

    // Without a callback: nobody waits any more.
    void watch(int fd, Events event, Callback callback) {
        Events before = (waiters_[{fd, READ}] ? READ : 0) | (waiters_[{fd, WRITE}] ? WRITE : 0);
        Events now = callback ? before | event : before & ~event;
        if (before == 0 && now != 0) {
            selector_->register_fd(fd, now);
        } else if (before != 0 && now == 0) {
            selector_->unregister(fd);
        } else if (before != now) {
            selector_->modify(fd, now);
        }
        waiters_[{fd, event}] = std::move(callback);
    }

    std::unique_ptr<Selector> selector_;
    std::map<std::pair<int, Events>, Callback> waiters_;
    std::multimap<Clock::time_point, Callback> timers_;
    std::deque<Callback> ready_;
    WakeUp wake_up_;
    std::map<int, Callback> signal_handlers_;
    bool is_stopping_ = false;
    std::exception_ptr error_;
};
