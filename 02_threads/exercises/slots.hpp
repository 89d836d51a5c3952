// Exercise: at most N at once.
//
// A thread for each client is fine for a hundred clients, and too much for ten thousand. With
// Slots, at most `count` of them are served at once; the next one waits until one of them leaves.
// (C++ calls this a std::counting_semaphore, Python a threading.Semaphore.)
//
// A thread that waits must not use the processor: `while (free_ == 0) {}` would. It sleeps on a
// condition variable until another thread notifies it.
#pragma once

#include "support/testing/exercise.hpp"

#include <condition_variable>
#include <mutex>

// Must outlive the threads that use it.
class Slots {
  public:
    explicit Slots(int count) : free_(count) {}

    // Waits until a slot is free, and takes it.
    void acquire() { TODO("wait on changed_ until free_ is not 0"); }

    // Takes a slot if one is free; never waits. Returns whether it has one.
    bool try_acquire() { TODO("as acquire(), without the wait"); }

    // Gives the slot back.
    void release() { TODO("one more is free; who has to know?"); }

  private:
    std::mutex mutex_; // guards the next line
    int free_;
    std::condition_variable changed_;
};
