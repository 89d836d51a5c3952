// Exercise: an Event, for Tasks that wait for something to happen.
//
// wait() waits until set() is called; if that was before, it does not wait at all. After clear()
// Tasks wait again. It is asyncio.Event, and the smallest of the things that Tasks use to wait
// for each other: a Task that waits makes a Future, leaves a copy where set() finds it, and
// co_yields it.
//   - set() wakes all Tasks that wait, even if clear() follows at once.
//   - A Task is woken once: the next set() has nothing to do with it.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

#include <cstddef>
#include <utility>
#include <vector>

// Must outlive the Tasks that wait for it.
class Event {
  public:
    explicit Event(EventLoop& loop) : loop_(loop) {}
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

    // Call it with `co_yield elements_of(event.wait())`.
    Coroutine<void> wait() {
        if (!is_set_) {
            Future<void> woken = waiters_.emplace_back(loop_);
            co_yield woken;
        }
    }

    std::size_t waiting() const { return waiters_.size(); } // how many Tasks wait

  private:
    EventLoop& loop_;
    bool is_set_ = false;
    std::vector<Future<void>> waiters_;
};
