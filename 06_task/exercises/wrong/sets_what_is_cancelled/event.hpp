// Wrong: set() sets the result of a Future that was cancelled
// Test: cancelled and set in the same iteration
// Says: set() has met a Future that is cancelled already
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
            waiter.set_result();
        }
    }

    void clear() { is_set_ = false; }

    Coroutine<void> wait() {
        if (is_set_) {
            co_return;
        }
        Future<void> woken = waiters_.emplace_back(EventLoop::running());
        try {
            co_yield woken;
        } catch (const CancelledError&) {
            std::erase_if(waiters_, [](const Future<void>& waiter) { return waiter.done(); });
            throw;
        }
    }

    std::size_t waiting() const { return waiters_.size(); } // how many tasks wait

  private:
    bool is_set_ = false;
    std::vector<Future<void>> waiters_;
};
