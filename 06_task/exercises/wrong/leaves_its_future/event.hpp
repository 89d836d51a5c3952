// Wrong: a task that is cancelled leaves its Future behind
// Test: a task that is cancelled leaves nothing behind
// Says: who was cancelled has left its Future behind
#pragma once

#include "future.hpp"
#include "task.hpp"

#include <cstddef>
#include <utility>
#include <vector>

// Must outlive the tasks that wait for it.
class Event {
  public:
    Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    bool is_set() const { return is_set_; }

    void set() {
        is_set_ = true;
        for (const Future<void>& waiter : std::exchange(waiters_, {})) {
            if (!waiter.done()) { // not cancelled
                waiter.set_result();
            }
        }
    }

    void clear() { is_set_ = false; }

    Coroutine<void> wait() {
        if (is_set_) {
            co_return;
        }
        Future<void> woken = waiters_.emplace_back(EventLoop::running());
        co_yield woken;
    }

    std::size_t waiting() const { return waiters_.size(); } // how many tasks wait

  private:
    bool is_set_ = false;
    std::vector<Future<void>> waiters_;
};
