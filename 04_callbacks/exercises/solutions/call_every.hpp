// Exercise: a callback that is called again and again.
//
// call_later calls once. A callback that ends with call_later(period, ...) is called again, but
// always a little too late: the next period begins when the loop gets round to it, and the
// delays add up (the clock *drifts*). A PeriodicTimer plans from the planned time, not from
// now. If the loop was held up for longer than a period, the calls that were missed are dropped:
// three calls in a row would help nothing.
//
// And the end: call_later cannot be taken back. So the loop may call us when the timer is
// stopped, or even destroyed. What the loop calls has to find that out without a look at the
// timer.
#pragma once

#include "event_loop.hpp"

#include <algorithm>
#include <memory>
#include <utility>

// The next call after the one that was planned for `planned`: a whole number of periods later,
// and later than `now`.
inline Clock::time_point next_call(Clock::time_point planned, Clock::duration period,
                                   Clock::time_point now) {
    auto missed = std::max<Clock::rep>((now - planned) / period, 0);
    return planned + (missed + 1) * period;
}

// Calls `callback` every `period`, which is not 0, for the first time after one period, until
// stop() is called or the timer is destroyed. An exception that leaves the callback goes to the
// loop, as that of any callback, and does not stop the timer. The loop must outlive the timer.
class PeriodicTimer {
  public:
    PeriodicTimer(EventLoop& loop, Clock::duration period, Callback callback)
        : loop_(loop), period_(period), callback_(std::move(callback)) {
        call_at(Clock::now() + period_);
    }
    PeriodicTimer(const PeriodicTimer&) = delete; // the loop has a pointer to us
    PeriodicTimer& operator=(const PeriodicTimer&) = delete;
    ~PeriodicTimer() { stop(); }

    // No more calls. The callback may do this, too, and may even destroy the timer.
    void stop() { *is_stopped_ = true; }

  private:
    // Asks the loop to call run(when) then, unless we are stopped before.
    void call_at(Clock::time_point when) {
        loop_.call_later(when - Clock::now(), [this, when, is_stopped = is_stopped_] {
            if (!*is_stopped) { // or `this` may be gone
                run(when);
            }
        });
    }

    // The time has come for the call that was planned for `planned`.
    void run(Clock::time_point planned) {
        call_at(next_call(planned, period_, Clock::now()));
        Callback callback = callback_; // a copy, because it may destroy us
        callback();                    // the last line, for the same reason
    }

    EventLoop& loop_;
    Clock::duration period_;
    Callback callback_;
    // Shared with what the loop is going to call, which may outlive us.
    std::shared_ptr<bool> is_stopped_ = std::make_shared<bool>(false);
};
