// Wrong: `if` in place of `while`: who is woken does not look again
// Test: a slot that somebody else has taken meanwhile
// Says: a thread that is woken has to look again whether a slot is free
#pragma once

#include <condition_variable>
#include <mutex>

// Must outlive the threads that use it.
class Slots {
  public:
    explicit Slots(int count) : free_(count) {}

    // Waits until a slot is free, and takes it.
    void acquire() {
        std::unique_lock lock(mutex_);
        if (free_ == 0) {
            changed_.wait(lock);
        }
        --free_;
    }

    // Takes a slot if one is free; never waits. Returns whether it has one.
    bool try_acquire() {
        std::lock_guard lock(mutex_);
        if (free_ == 0) {
            return false;
        }
        --free_;
        return true;
    }

    // Gives the slot back.
    void release() {
        {
            std::lock_guard lock(mutex_);
            ++free_;
        }
        changed_.notify_one(); // after the lock, which the other thread needs at once
    }

  private:
    std::mutex mutex_; // guards the next line
    int free_;
    std::condition_variable changed_;
};
