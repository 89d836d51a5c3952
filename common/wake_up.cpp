#include "common/wake_up.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace {

// A signal handler can reach nothing but globals, and only lock-free atomics are safe in it.
std::atomic<int> signal_pipe = -1;
std::array<std::atomic<bool>, NSIG> arrived{};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void write_byte(int fd) noexcept {
    // A full pipe (EAGAIN) is fine: then the reading end is readable already.
    while (::write(fd, "", 1) == -1 && errno == EINTR) {
    }
}

extern "C" void on_signal(int signal) {
    int saved_errno = errno; // of the code that was interrupted
    arrived[static_cast<std::size_t>(signal)] = true;
    write_byte(signal_pipe);
    errno = saved_errno;
}

// Returns false for a number that is not a signal, and for signals that cannot be caught.
bool set_action(int signal, void (*action)(int)) {
    struct sigaction description {};
    description.sa_handler = action;
    description.sa_flags = SA_RESTART; // other calls of the program need not notice
    return signal > 0 && signal < NSIG && ::sigaction(signal, &description, nullptr) == 0;
}

} // namespace

WakeUp::WakeUp() {
    int ends[2];
    if (::pipe(ends) == -1) {
        throw std::system_error(errno, std::generic_category(), "pipe");
    }
    for (int fd : ends) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    read_end_ = ends[0];
    write_end_ = ends[1];
}

WakeUp::~WakeUp() {
    while (!caught_.empty()) {
        release_signal(*caught_.begin());
    }
    ::close(read_end_);
    ::close(write_end_);
}

void WakeUp::wake() noexcept {
    write_byte(write_end_);
}

void WakeUp::drain() noexcept {
    char bytes[256];
    while (::read(read_end_, bytes, sizeof bytes) > 0) {
    }
}

void WakeUp::catch_signal(int signal) {
    int none = -1;
    if (!signal_pipe.compare_exchange_strong(none, write_end_) && none != write_end_) {
        throw std::logic_error("only one event loop of a process can handle signals");
    }
    if (set_action(signal, on_signal)) {
        caught_.insert(signal);
    } else {
        give_up_signals_if_none();
        throw std::system_error(EINVAL, std::generic_category(),
                                "cannot catch signal " + std::to_string(signal));
    }
}

void WakeUp::release_signal(int signal) {
    if (caught_.erase(signal) == 1) {
        set_action(signal, SIG_DFL);
        take_signal(signal);
        give_up_signals_if_none();
    }
}

void WakeUp::give_up_signals_if_none() noexcept {
    if (caught_.empty()) {
        signal_pipe = -1;
    }
}

bool WakeUp::take_signal(int signal) noexcept {
    return arrived[static_cast<std::size_t>(signal)].exchange(false);
}

std::vector<int> WakeUp::take_signals() {
    drain(); // first, so that a signal that arrives from now on wakes the selector again
    std::vector<int> signals;
    for (int signal : caught_) {
        if (take_signal(signal)) {
            signals.push_back(signal);
        }
    }
    return signals;
}
