// Exercise: an Event, for tasks that wait for something to happen.
//
// wait() waits until somebody calls set(); if that was before, it does not wait at all. After
// clear() tasks wait again. It is asyncio.Event, and the smallest of the things that tasks use
// to wait for each other: whoever waits makes a Future, leaves it where set() finds it, and
// co_yields it.
//   - set() wakes all who wait, even if clear() follows at once.
//   - A task that is cancelled while it waits leaves nothing behind.
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
