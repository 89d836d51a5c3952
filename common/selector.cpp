#include "common/selector.hpp"

#include "common/trace.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#else
#include <sys/event.h>
#endif

namespace {

using std::chrono::nanoseconds;
using Timeout = std::optional<nanoseconds>;

// How many ready descriptors epoll or kqueue reports at once; the others are reported next time.
// Few: what was received from them is then still in the processor's cache when it is sent.
constexpr std::size_t MAX_READY = 16;

[[noreturn]] void throw_error_of(const char* call) {
    throw std::system_error(errno, std::generic_category(), call);
}

// epoll and kqueue say so themselves.
void check_fd(int fd) {
    if (fd < 0) {
        throw std::system_error(EBADF, std::generic_category(),
                                "cannot watch descriptor " + std::to_string(fd));
    }
}

void check(int result, const char* call, int fd) {
    if (result == -1) {
        int error = errno; // making the text may change it
        throw std::system_error(error, std::generic_category(),
                                std::string(call) + " of descriptor " + std::to_string(fd));
    }
}

// How many descriptors are ready: none when a signal came first.
std::size_t ready_count(int result, const char* call) {
    if (result == -1 && errno != EINTR) {
        throw_error_of(call);
    }
    return static_cast<std::size_t>(std::max(result, 0));
}

// For epoll_wait and poll. Rounded up: with 0 for half a millisecond the caller would spin.
int to_milliseconds(Timeout timeout) {
    if (!timeout) {
        return -1;
    }
    auto rounded =
        std::chrono::ceil<std::chrono::milliseconds>(std::max(*timeout, nanoseconds(0)));
    return static_cast<int>(std::min<long long>(rounded.count(), INT_MAX));
}

#ifdef __linux__

class EpollSelector : public Selector {
  public:
    EpollSelector() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ == -1) {
            throw_error_of("epoll_create1");
        }
    }
    EpollSelector(const EpollSelector&) = delete;
    EpollSelector& operator=(const EpollSelector&) = delete;
    ~EpollSelector() override { ::close(epoll_); }

    void register_fd(int fd, Events events) override { control(EPOLL_CTL_ADD, fd, events); }
    void modify(int fd, Events events) override { control(EPOLL_CTL_MOD, fd, events); }
    void unregister(int fd) override { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

    const std::vector<ReadyFd>& select(Timeout timeout) override {
        int result = ::epoll_wait(epoll_, buffer_.data(), static_cast<int>(buffer_.size()),
                                  to_milliseconds(timeout));
        ready_.clear();
        for (std::size_t i = 0, count = ready_count(result, "epoll_wait"); i < count; ++i) {
            const epoll_event& event = buffer_[i];
            // Anything but "writable" may be an error that reading will find, and vice versa.
            Events found = ((event.events & ~unsigned(EPOLLOUT)) != 0 ? READ : 0) |
                           ((event.events & ~unsigned(EPOLLIN)) != 0 ? WRITE : 0);
            auto asked = static_cast<Events>(event.data.u64 >> 32);
            ready_.push_back({static_cast<int>(event.data.u64 & 0xffffffff), found & asked});
        }
        return ready_;
    }

  private:
    void control(int operation, int fd, Events events) {
        epoll_event event{};
        event.events = ((events & READ) != 0 ? unsigned(EPOLLIN) : 0) |
                       ((events & WRITE) != 0 ? unsigned(EPOLLOUT) : 0);
        event.data.u64 = (static_cast<std::uint64_t>(events) << 32) | static_cast<unsigned>(fd);
        check(::epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl", fd);
    }

    int epoll_;
    std::array<epoll_event, MAX_READY> buffer_{};
    std::vector<ReadyFd> ready_;
};

#else

class KqueueSelector : public Selector {
  public:
    KqueueSelector() : kqueue_(::kqueue()) {
        if (kqueue_ == -1) {
            throw_error_of("kqueue");
        }
        ::fcntl(kqueue_, F_SETFD, FD_CLOEXEC);
    }
    KqueueSelector(const KqueueSelector&) = delete;
    KqueueSelector& operator=(const KqueueSelector&) = delete;
    ~KqueueSelector() override { ::close(kqueue_); }

    void register_fd(int fd, Events events) override { change(fd, 0, events); }
    void modify(int fd, Events events) override { change(fd, registered_.at(fd), events); }
    void unregister(int fd) override {
        for (short filter : {short{EVFILT_READ}, short{EVFILT_WRITE}}) {
            struct kevent event {};
            EV_SET(&event, static_cast<uintptr_t>(fd), filter, EV_DELETE, 0, 0, nullptr);
            ::kevent(kqueue_, &event, 1, nullptr, 0, nullptr); // ENOENT: was not registered
        }
        registered_.erase(fd);
    }

    const std::vector<ReadyFd>& select(Timeout timeout) override {
        timespec limit{};
        if (timeout) {
            auto nanos = std::max(*timeout, nanoseconds(0)).count();
            limit.tv_sec = static_cast<time_t>(nanos / 1'000'000'000);
            limit.tv_nsec = static_cast<long>(nanos % 1'000'000'000);
        }
        int result = ::kevent(kqueue_, nullptr, 0, buffer_.data(),
                              static_cast<int>(buffer_.size()), timeout ? &limit : nullptr);
        ready_.clear();
        for (std::size_t i = 0, count = ready_count(result, "kevent"); i < count; ++i) {
            // A descriptor that is readable and writable comes as two entries; that is fine.
            Events found = buffer_[i].filter == EVFILT_READ ? READ : WRITE;
            ready_.push_back({static_cast<int>(buffer_[i].ident), found});
        }
        return ready_;
    }

  private:
    // kqueue has a filter of its own for each event: adds those that are new,
    // deletes the others.
    void change(int fd, Events before, Events after) {
        change_filter(fd, EVFILT_READ, (before & READ) != 0, (after & READ) != 0);
        change_filter(fd, EVFILT_WRITE, (before & WRITE) != 0, (after & WRITE) != 0);
        registered_[fd] = after;
    }

    void change_filter(int fd, short filter, bool before, bool after) {
        if (before != after) {
            struct kevent event {};
            EV_SET(&event, static_cast<uintptr_t>(fd), filter, after ? EV_ADD : EV_DELETE, 0, 0,
                   nullptr);
            check(::kevent(kqueue_, &event, 1, nullptr, 0, nullptr), "kevent", fd);
        }
    }

    int kqueue_;
    std::map<int, Events> registered_;
    std::array<struct kevent, MAX_READY> buffer_{};
    std::vector<ReadyFd> ready_;
};

#endif

// poll(2): the whole list goes into the kernel with each call, and is searched after it.
class PollSelector : public Selector {
  public:
    void register_fd(int fd, Events events) override {
        check_fd(fd);
        index_[fd] = list_.size();
        list_.push_back({fd, to_poll(events), 0});
    }
    void modify(int fd, Events events) override {
        list_[index_.at(fd)].events = to_poll(events);
    }
    void unregister(int fd) override {
        std::size_t hole = index_.at(fd); // is filled with the last entry
        list_[hole] = list_.back();
        index_[list_[hole].fd] = hole;
        list_.pop_back();
        index_.erase(fd);
    }

    const std::vector<ReadyFd>& select(Timeout timeout) override {
        int result =
            ::poll(list_.data(), static_cast<nfds_t>(list_.size()), to_milliseconds(timeout));
        ready_.clear();
        std::size_t count = ready_count(result, "poll");
        for (std::size_t i = 0; ready_.size() < count; ++i) {
            const pollfd& entry = list_[i];
            if (entry.revents != 0) {
                Events found = ((entry.revents & ~POLLOUT) != 0 ? READ : 0) |
                               ((entry.revents & ~POLLIN) != 0 ? WRITE : 0);
                Events asked = ((entry.events & POLLIN) != 0 ? READ : 0) |
                               ((entry.events & POLLOUT) != 0 ? WRITE : 0);
                ready_.push_back({entry.fd, found & asked});
            }
        }
        return ready_;
    }

  private:
    static short to_poll(Events events) {
        return static_cast<short>(((events & READ) != 0 ? POLLIN : 0) |
                                  ((events & WRITE) != 0 ? POLLOUT : 0));
    }

    std::vector<pollfd> list_;
    std::map<int, std::size_t> index_; // where in list_ a descriptor is
    std::vector<ReadyFd> ready_;
};

// select(2): as poll, but with a bit for each descriptor number, up to FD_SETSIZE.
class SelectSelector : public Selector {
  public:
    void register_fd(int fd, Events events) override {
        check_fd(fd);
        if (fd >= FD_SETSIZE) { // FD_SET would write beyond the end of the set
            throw std::system_error(EMFILE, std::generic_category(),
                                    "select cannot watch descriptor " + std::to_string(fd));
        }
        registered_[fd] = events;
    }
    void modify(int fd, Events events) override { registered_.at(fd) = events; }
    void unregister(int fd) override { registered_.erase(fd); }

    const std::vector<ReadyFd>& select(Timeout timeout) override {
        fd_set readable;
        fd_set writable;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        for (auto [fd, events] : registered_) {
            if ((events & READ) != 0) {
                FD_SET(fd, &readable);
            }
            if ((events & WRITE) != 0) {
                FD_SET(fd, &writable);
            }
        }
        timeval limit{};
        if (timeout) {
            auto micros = std::chrono::ceil<std::chrono::microseconds>(
                std::max(*timeout, nanoseconds(0)));
            limit.tv_sec = static_cast<time_t>(micros.count() / 1'000'000);
            limit.tv_usec = static_cast<suseconds_t>(micros.count() % 1'000'000);
        }
        int highest = registered_.empty() ? -1 : registered_.rbegin()->first;
        int result =
            ::select(highest + 1, &readable, &writable, nullptr, timeout ? &limit : nullptr);
        ready_.clear();
        if (ready_count(result, "select") == 0) {
            return ready_; // after EINTR the sets say nothing
        }
        for (auto [fd, events] : registered_) {
            Events found =
                (FD_ISSET(fd, &readable) ? READ : 0) | (FD_ISSET(fd, &writable) ? WRITE : 0);
            if (found != 0) {
                ready_.push_back({fd, found});
            }
        }
        return ready_;
    }

  private:
    std::map<int, Events> registered_; // in order, so that the last one is the highest
    std::vector<ReadyFd> ready_;
};

// Around one of the others while there is a trace: records what is watched, each wait, and what
// is ready after it.
class TracedSelector : public Selector {
  public:
    TracedSelector(std::unique_ptr<Selector> selector, const char* call)
        : selector_(std::move(selector)), call_(call) {}

    void register_fd(int fd, Events events) override {
        selector_->register_fd(fd, events);
        trace::note_descriptor("watch", fd, events);
    }
    void modify(int fd, Events events) override {
        selector_->modify(fd, events);
        trace::note_descriptor("watch", fd, events);
    }
    void unregister(int fd) override {
        selector_->unregister(fd);
        trace::note_descriptor("watch", fd, 0);
    }

    const std::vector<ReadyFd>& select(Timeout timeout) override {
        trace::begin_iteration(call_, to_milliseconds(timeout));
        const std::vector<ReadyFd>& ready = selector_->select(timeout);
        trace::end_call();
        for (auto [fd, events] : ready) {
            trace::note_descriptor("ready", fd, events);
        }
        return ready;
    }

  private:
    std::unique_ptr<Selector> selector_;
    const char* call_;
};

template <typename Kind>
std::unique_ptr<Selector> make(const char* call) {
    auto selector = std::make_unique<Kind>();
    if (is_tracing) {
        return std::make_unique<TracedSelector>(std::move(selector), call);
    }
    return selector;
}

} // namespace

void Selector::change(int fd, Events& registered, Events events) {
    if (registered == events) {
        return;
    }
    if (registered == 0) {
        register_fd(fd, events);
    } else if (events == 0) {
        unregister(fd);
    } else {
        modify(fd, events);
    }
    registered = events;
}

std::unique_ptr<Selector> make_default_selector() {
#ifdef __linux__
    return make<EpollSelector>("epoll_wait");
#else
    return make<KqueueSelector>("kevent");
#endif
}

std::unique_ptr<Selector> make_selector(const std::string& name) {
    if (name == "poll") {
        return make<PollSelector>("poll");
    }
    if (name == "select") {
        return make<SelectSelector>("select");
    }
    if (name.empty() || name == selector_names().front()) {
        return make_default_selector();
    }
    throw std::invalid_argument("there is no selector '" + name + "' here");
}

const std::vector<std::string>& selector_names() {
#ifdef __linux__
    static const std::vector<std::string> names = {"epoll", "poll", "select"};
#else
    static const std::vector<std::string> names = {"kqueue", "poll", "select"};
#endif
    return names;
}

bool is_selector_name(const std::string& name) {
    const std::vector<std::string>& names = selector_names();
    return std::find(names.begin(), names.end(), name) != names.end();
}
