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

#include "support/testing/exercise.hpp"

#include <memory>
#include <utility>

// The next call after the one that was planned for `planned`: a whole number of periods later,
// and later than `now`.
inline Clock::time_point next_call(Clock::time_point planned, Clock::duration period,
                                   Clock::time_point now) {
    TODO("how many periods have passed since `planned`?");
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
    void stop() { TODO("there is at most one call that the loop still has to make"); }

  private:
    // Asks the loop to call run(when) then, unless we are stopped before.
    void call_at(Clock::time_point when) {
        TODO("a lambda with `this`, and with a copy of the pointer to the flag");
    }

    // The time has come for the call that was planned for `planned`.
    void run(Clock::time_point planned) {
        TODO("plan the next call, then call back: in which order, if callback_ may throw or "
             "destroy us?");
    }

    EventLoop& loop_;
    Clock::duration period_;
    Callback callback_;
    // Shared with what the loop is going to call, which may outlive us.
    std::shared_ptr<bool> is_stopped_ = std::make_shared<bool>(false);
};
