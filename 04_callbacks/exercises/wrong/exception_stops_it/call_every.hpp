// Wrong: calls back first and plans then, so an exception stops the timer
// Test: an exception does not stop it
// Says: the exception has stopped the timer
#pragma once

#include "event_loop.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

// The next call after the one that was planned for `planned`: a whole number of periods later,
// and later than `now`.
inline Clock::time_point next_call(Clock::time_point planned, std::chrono::nanoseconds period,
                                   Clock::time_point now) {
    auto missed = std::max<std::chrono::nanoseconds::rep>((now - planned) / period, 0);
    return planned + (missed + 1) * period;
}

// Calls `callback` every `period`, which is not 0, for the first time after one period, until
// stop() or until the timer is destroyed. An exception that leaves the callback goes to the
// loop's exception handler, as that of any callback, and does not stop the timer.
class PeriodicTimer {
  public:
    PeriodicTimer(EventLoop& loop, std::chrono::nanoseconds period, Callback callback)
        : loop_(loop), period_(period), callback_(std::move(callback)) {
        call_at(loop_.time() + period_);
    }
    PeriodicTimer(const PeriodicTimer&) = delete; // the loop has a pointer to us
    PeriodicTimer& operator=(const PeriodicTimer&) = delete;
    ~PeriodicTimer() { stop(); }

    // No more calls. The callback may do this, too, and may even destroy the timer.
    void stop() {
        if (handle_) {
            handle_->cancel();
        }
    }

  private:
    void call_at(Clock::time_point when) {
        handle_ = loop_.call_at(when, [this, when] { run(when); });
    }

    // The time has come for the call that was planned for `planned`.
    void run(Clock::time_point planned) {
        callback_();
        call_at(next_call(planned, period_, loop_.time()));
    }

    EventLoop& loop_;
    std::chrono::nanoseconds period_;
    Callback callback_;
    std::optional<Handle> handle_; // of the next call
};
