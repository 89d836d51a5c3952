// Wrong: release() tells nobody
// Test: the next one waits until a slot is free
// Says: a thread still waits in acquire(), though release() has made a slot free
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
        changed_.wait(lock, [this] { return free_ > 0; });
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
        std::lock_guard lock(mutex_);
        ++free_;
    }

  private:
    std::mutex mutex_; // guards the next line
    int free_;
    std::condition_variable changed_;
};
