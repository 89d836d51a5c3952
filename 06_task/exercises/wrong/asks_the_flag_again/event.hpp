// Wrong: who is woken asks the flag again, which may have been cleared
// Test: clear() at once after set() does not take the event back
// Says: who was woken asks the flag again, and waits on
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
        while (!is_set_) {
            Future<void> woken = waiters_.emplace_back(EventLoop::running());
            try {
                co_yield woken;
            } catch (const CancelledError&) {
                std::erase_if(waiters_,
                              [](const Future<void>& waiter) { return waiter.done(); });
                throw;
            }
        }
    }

    std::size_t waiting() const { return waiters_.size(); } // how many tasks wait

  private:
    bool is_set_ = false;
    std::vector<Future<void>> waiters_;
};
