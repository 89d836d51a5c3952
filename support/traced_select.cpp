#include "support/traced_select.hpp"

#include "common/selector.hpp"
#include "common/trace.hpp"

#include <cerrno>
#include <map>

#undef select

namespace {

std::map<int, Events> events_in(int count, const fd_set* readable, const fd_set* writable) {
    std::map<int, Events> found;
    for (int fd = 0; fd < count; ++fd) {
        Events events =
            (FD_ISSET(fd, readable) ? READ : 0) | (FD_ISSET(fd, writable) ? WRITE : 0);
        if (events != 0) {
            found[fd] = events;
        }
    }
    return found;
}

// Its caller says anew each time what it watches; the trace is told what is different.
void note_changes(const std::map<int, Events>& before, const std::map<int, Events>& now) {
    for (auto [fd, events] : before) {
        if (now.count(fd) == 0) {
            trace::note_descriptor("watch", fd, 0);
        }
    }
    for (auto [fd, events] : now) {
        auto old = before.find(fd);
        if (old == before.end() || old->second != events) {
            trace::note_descriptor("watch", fd, events);
        }
    }
}

int to_milliseconds(const timeval& time) {
    return static_cast<int>(time.tv_sec * 1000 + (time.tv_usec + 999) / 1000);
}

} // namespace

int traced_select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                  timeval* timeout) {
    if (!is_tracing) {
        return ::select(count, readable, writable, exceptional, timeout);
    }
    static thread_local std::map<int, Events> watched;
    std::map<int, Events> wanted = events_in(count, readable, writable);
    note_changes(watched, wanted);
    watched = wanted;
    trace::begin_iteration("select", timeout == nullptr ? -1 : to_milliseconds(*timeout));
    int result = ::select(count, readable, writable, exceptional, timeout);
    int error = errno; // which the trace may change
    trace::end_call();
    if (result > 0) {
        for (auto [fd, events] : events_in(count, readable, writable)) {
            trace::note_descriptor("ready", fd, events);
        }
    }
    errno = error;
    return result;
}
