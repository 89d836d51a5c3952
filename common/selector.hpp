// Waits for many descriptors at once, after Python's `selectors` module: one interface over
// epoll (Linux), kqueue (macOS, BSD), poll and select (everywhere). All are level-triggered: as
// long as a descriptor is ready, every call of select says so.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What to wait for, and what has come: READ, WRITE or their sum.
using Events = unsigned;
constexpr Events READ = 1;
constexpr Events WRITE = 2;

struct ReadyFd {
    int fd;
    Events events;
};

class Selector {
  public:
    virtual ~Selector() = default;

    // A descriptor is registered at most once; `events` is not empty. Throw std::system_error,
    // even for a number that no descriptor can have, such as -1.
    virtual void register_fd(int fd, Events events) = 0;
    virtual void modify(int fd, Events events) = 0;
    // Call it before the descriptor is closed. Where that was forgotten the system has done it.
    virtual void unregister(int fd) = 0;

    // Watches for `events` from now on, possibly for none, where it has watched for `registered`;
    // notes that there. Makes no system call if nothing changes. Throws as register_fd.
    void change(int fd, Events& registered, Events events);

    // Waits until a registered descriptor is ready, at most for `timeout` (std::nullopt:
    // without limit; not at all if it is negative), rounded up to what the system call can express. An error or a hang-up
    // counts as ready for whatever was asked. Returns early, with nothing, when a signal
    // arrives. The result is good until the next call.
    virtual const std::vector<ReadyFd>&
    select(std::optional<std::chrono::nanoseconds> timeout) = 0;
};

// epoll or kqueue, whichever this system has.
std::unique_ptr<Selector> make_default_selector();

// "epoll", "kqueue", "poll" or "select"; an empty name means the default one. Throws
// std::invalid_argument for a name that is not in selector_names().
std::unique_ptr<Selector> make_selector(const std::string& name);

const std::vector<std::string>& selector_names(); // those of this system
bool is_selector_name(const std::string& name);
