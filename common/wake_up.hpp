// Ends a selector's wait from another thread or from a signal handler: the self-pipe trick. The
// selector watches the reading end of a pipe, and code that wants to wake it writes a byte.
#pragma once

#include <set>
#include <vector>

class WakeUp {
  public:
    WakeUp(); // throws std::system_error
    WakeUp(const WakeUp&) = delete;
    WakeUp& operator=(const WakeUp&) = delete;
    ~WakeUp();

    int fd() const noexcept { return read_end_; } // readable after wake()
    void wake() noexcept;                         // from any thread
    void drain() noexcept;                        // makes fd() unreadable again

    // From now on `signal` wakes, and is remembered, instead of having its usual effect. Only
    // one WakeUp of a process can catch signals. Throws std::system_error for a signal that
    // cannot be caught, std::logic_error if another WakeUp catches signals.
    void catch_signal(int signal);
    // The signal has its default action again.
    void release_signal(int signal);
    // Whether `signal` has arrived since the last call.
    bool take_signal(int signal) noexcept;
    // Drains, and returns those of the caught signals that have arrived since the last call.
    std::vector<int> take_signals();

  private:
    void give_up_signals_if_none() noexcept;

    int read_end_;
    int write_end_;
    std::set<int> caught_;
};
