// Wrong: release() makes the place free, and whoever asks next takes it
// Test: nobody overtakes
// Says: who came later has overtaken the one that waited
#pragma once

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
        while (free_ == 0) {
            Future<void> woken = waiters_.emplace_back(EventLoop::running());
            co_await woken;
        }
        --free_;
    }

    // Gives a place back, and wakes the one who has waited longest.
    void release() {
        ++free_;
        while (!waiters_.empty()) {
            Future<void> next = waiters_.front();
            waiters_.pop_front();
            if (!next.done()) { // not cancelled
                next.set_result();
                return;
            }
        }
    }

    std::size_t waiting() const { return waiters_.size(); } // how many tasks wait

  private:
    std::size_t free_;
    std::deque<Future<void>> waiters_; // in the order in which they came
};
