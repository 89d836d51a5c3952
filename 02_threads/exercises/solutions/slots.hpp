// Exercise: at most N at once.
//
// A thread for each client is fine for a hundred clients, and too much for ten thousand. With
// Slots, at most `count` of them are served at once; the next one waits until one of them leaves.
// (C++ calls this a std::counting_semaphore, Python a threading.Semaphore.)
//
// A thread that waits must not use the processor: `while (free_ == 0) {}` would. It sleeps on a
// condition variable until another thread notifies it.
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
