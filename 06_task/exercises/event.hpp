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

#include "support/testing/exercise.hpp"

#include <cstddef>
#include <vector>

// Must outlive the tasks that wait for it.
class Event {
  public:
    Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    bool is_set() const { return is_set_; }

    void set() {
        TODO("who waits is woken; and mind a waiter that was cancelled a moment ago");
    }

    void clear() { TODO("from now on, wait() waits"); }

    Coroutine<void> wait() {
        TODO("co_yield a Future; catch CancelledError, tidy up, and throw it again");
    }

    std::size_t waiting() const { return waiters_.size(); } // how many tasks wait

  private:
    bool is_set_ = false;
    std::vector<Future<void>> waiters_;
};
