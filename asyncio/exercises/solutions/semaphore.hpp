// Exercise: at most N tasks at once.
//
// The crawler limits its connections by the number of its workers. A Semaphore does it for
// tasks that already exist: `co_await semaphore.acquire()` waits until one of N places is free,
// and release() returns it. It is asyncio.Semaphore, and the Slots of stage 02 without a
// lock: between two co_awaits no other task runs.
//
// It is *fair*: the task that came first goes first, even if a new one asks at the right
// moment. And it loses no place when a task is cancelled, neither while the task waits nor when
// a place has just been given to it.
#pragma once

#include "awaiters.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"

#include <cstddef>
#include <deque>

// Must outlive the tasks that use it.
class Semaphore {
  public:
    explicit Semaphore(std::size_t places) : free_(places) {}
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    // Whether acquire() would have to wait.
    bool locked() const { return free_ == 0; }

    // Waits for a place.
    Coroutine<void> acquire() {
        if (free_ > 0) { // then no task waits: release() gives places to waiting ones
            --free_;
            co_return;
        }
        Future<void> turn = waiters_.emplace_back(EventLoop::running());
        try {
            co_await turn;
        } catch (const CancelledError&) {
            std::erase_if(waiters_, [](const Future<void>& waiter) { return waiter.done(); });
            if (!turn.cancelled()) {
                release(); // the place was ours already
            }
            throw;
        }
    }

    // Passes the place on to the task that has waited longest, or else it is free.
    void release() {
        while (!waiters_.empty()) {
            Future<void> next = waiters_.front();
            waiters_.pop_front();
            if (!next.done()) { // not cancelled
                next.set_result();
                return;
            }
        }
        ++free_;
    }

    std::size_t waiting() const { return waiters_.size(); } // how many tasks wait

  private:
    std::size_t free_;
    std::deque<Future<void>> waiters_; // in the order in which they came
};
