// Exercise: how many clients are being served, now and at most.
//
// Every client's thread changes the same two numbers. `++number` from two threads at once is a
// data race: one of the two may get lost. And the numbers belong together: no caller may see one
// of them changed and the other one not yet.
//
// A handler only writes `Served served(counter);` in its first line: the client counts until
// the handler is left, by `return` or by an exception.
#pragma once

#include <algorithm>
#include <mutex>

// Must outlive the threads that use it.
class ClientCounter {
  public:
    int now() const {
        std::lock_guard lock(mutex_);
        return now_;
    }
    int most() const {
        std::lock_guard lock(mutex_);
        return most_;
    }

  private:
    friend class Served;

    void enter() {
        std::lock_guard lock(mutex_);
        ++now_;
        most_ = std::max(most_, now_);
    }
    void leave() {
        std::lock_guard lock(mutex_);
        --now_;
    }

    mutable std::mutex mutex_; // guards the next two
    int now_ = 0;
    int most_ = 0;
};

// One client; counts as long as it exists.
class Served {
  public:
    explicit Served(ClientCounter& counter) : counter_(counter) { counter_.enter(); }
    Served(const Served&) = delete; // a copy would leave a second time
    Served& operator=(const Served&) = delete;
    ~Served() { counter_.leave(); }

  private:
    ClientCounter& counter_;
};
