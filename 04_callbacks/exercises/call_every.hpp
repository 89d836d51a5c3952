// Exercise: a callback that is called again and again.
//
// call_later calls once. A callback that ends with call_later(period, ...) is called again, but
// always a little too late: the next period begins when the loop has got round to it, and the
// delays add up (the clock *drifts*). A PeriodicTimer plans from the planned time, not from
// now.
//
// And if the loop was held up for longer than a period? The calls that were missed are dropped:
// three calls in a row would help nobody.
#pragma once

#include "event_loop.hpp"

#include "support/testing/exercise.hpp"

#include <chrono>
#include <optional>
#include <utility>

// The next call after the one that was planned for `planned`: a whole number of periods later,
// and later than `now`.
inline Clock::time_point next_call(Clock::time_point planned, std::chrono::nanoseconds period,
                                   Clock::time_point now) {
    TODO("how many periods have passed since `planned`?");
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
    void stop() { TODO("there is at most one call that the loop still has to make"); }

  private:
    void call_at(Clock::time_point when) {
        TODO("ask the loop to call run(when), and remember the Handle");
    }

    // The time has come for the call that was planned for `planned`.
    void run(Clock::time_point planned) {
        TODO("plan the next call, then call back: in which order, if callback_ may throw or "
             "destroy us?");
    }

    EventLoop& loop_;
    std::chrono::nanoseconds period_;
    Callback callback_;
    std::optional<Handle> handle_; // of the next call
};
