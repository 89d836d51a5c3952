// Wrong: who only reads takes no lock
// Test: no data race
// Says: a data race
#pragma once

#include <algorithm>
#include <mutex>

// Must outlive the threads that use it.
class ClientCounter {
  public:
    int now() const { return now_; }
    int most() const { return most_; }

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
