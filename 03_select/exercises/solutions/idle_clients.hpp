// Exercise: who has been silent for too long, and how long may select wait?
//
// A server that runs for months must get rid of clients that will never say anything again. So
// select must not wait without a limit: only until the next client has been silent for too long. If
// its timeout is too short, the loop turns without anything to do; if it is 0, it spins.
//
// No function here looks at the clock: the caller says what time it is. So the tests need not
// wait for anything.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include <sys/time.h>

using Clock = std::chrono::steady_clock;

class IdleClients {
  public:
    // Clients that are silent for `limit` are to be closed.
    explicit IdleClients(std::chrono::nanoseconds limit) : limit_(limit) {}

    // A client has connected, or has sent something.
    void active(int fd, Clock::time_point now) { last_activity_[fd] = now; }

    // A client is closed. Call it before another one gets the same descriptor.
    void remove(int fd) { last_activity_.erase(fd); }

    // Those who have been silent for `limit` or longer.
    std::vector<int> expired(Clock::time_point now) const {
        std::vector<int> silent;
        for (const auto& [fd, last] : last_activity_) {
            if (now - last >= limit_) {
                silent.push_back(fd);
            }
        }
        return silent;
    }

    // How long until the next one expires: never negative, and std::nullopt if there are no
    // clients. A caller that waits that long finds one in expired().
    std::optional<std::chrono::nanoseconds> time_to_wait(Clock::time_point now) const {
        if (last_activity_.empty()) {
            return std::nullopt;
        }
        Clock::time_point oldest = Clock::time_point::max();
        for (const auto& [fd, last] : last_activity_) {
            oldest = std::min(oldest, last);
        }
        return std::max<std::chrono::nanoseconds>(oldest + limit_ - now,
                                                  std::chrono::nanoseconds(0));
    }

  private:
    std::chrono::nanoseconds limit_;
    std::map<int, Clock::time_point> last_activity_; // by descriptor
};

// For select, which counts in microseconds: not less than `duration`, or select would return
// too early, and again, and again.
inline timeval to_timeval(std::chrono::nanoseconds duration) {
    auto microseconds = std::chrono::ceil<std::chrono::microseconds>(duration);
    auto seconds = std::chrono::floor<std::chrono::seconds>(microseconds);
    timeval result{};
    result.tv_sec = static_cast<decltype(result.tv_sec)>(seconds.count());
    result.tv_usec = static_cast<decltype(result.tv_usec)>((microseconds - seconds).count());
    return result;
}
