// Ends a selector's wait from another thread or from a signal handler: the self-pipe trick. The
// selector watches the reading end of a pipe, and whoever wants to wake it writes a byte.
#pragma once

class WakeUp {
  public:
    WakeUp(); // throws std::system_error
    WakeUp(const WakeUp&) = delete;
    WakeUp& operator=(const WakeUp&) = delete;
    ~WakeUp(); // release_signal what was caught, first

    int fd() const noexcept { return read_end_; } // readable after wake()
    void wake() noexcept;                         // from any thread
    void drain() noexcept;                        // makes fd() unreadable again

    // From now on `signal` wakes, and is remembered, instead of having its usual effect. Only
    // one WakeUp of a process can catch signals. Throws std::system_error for a signal that
    // cannot be caught, std::logic_error if another WakeUp catches signals.
    void catch_signal(int signal);
    void release_signal(int signal); // default action again
    // Whether `signal` has arrived since the last call.
    bool take_signal(int signal) noexcept;

  private:
    int read_end_;
    int write_end_;
};
