// Wrong: who waits asks again and again
// Test: waiting costs no processor time
// Says: a thread that waits has to sleep
#pragma once

#include <mutex>

// Must outlive the threads that use it.
class Slots {
  public:
    explicit Slots(int count) : free_(count) {}

    // Waits until a slot is free, and takes it.
    void acquire() {
        while (!try_acquire()) {
        }
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
        std::lock_guard lock(mutex_);
        ++free_;
    }

  private:
    std::mutex mutex_; // guards the next line
    int free_;
};
