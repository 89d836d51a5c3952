// A timeline of what a server does. Where the environment variable ECHO_TRACE names a file,
// Socket and Selector record each wait there in the Trace Event Format (JSON array form), which
// ui.perfetto.dev and chrome://tracing draw: one lane for each connection, one for each thread.
// Every event is one line, written at once, so the file can be read however the program ends:
// the format makes the closing bracket optional. A program that ends by itself writes it, too.
#pragma once

#include <cstddef>
#include <string>

// Whether ECHO_TRACE names a file. Everything below asks it inline: without a trace a server
// must lose no time.
extern const bool is_tracing;

// What there is to record; only called while tracing.
namespace trace {
void listen(int fd);
void open_connection(int fd, const std::string& name);
void received(int fd, std::size_t count);
void sent(int fd, std::size_t count, std::size_t wanted);
void close_connection(int fd);
void begin_call(const char* name, int fd);
// `timeout_ms` as for poll(2): 0 is only a look, -1 has no limit.
void begin_iteration(const char* call, int timeout_ms);
void end_call();
// Events in the lane of the calling thread. `members` are those of a JSON object; `events` is
// READ, WRITE (common/selector.hpp), their sum, or 0.
void note(const char* name, const std::string& members);
void note_descriptor(const char* name, int fd, unsigned events);

// For code that records more, in the same file: called before each event, unless null; and
// whether this thread is writing one.
extern void (*before_event)();
extern thread_local bool is_writing;
} // namespace trace

// The lane of a connection shows by turns "waits for input" and "echoes"; each event names the
// thread that is at work. The number of the descriptor stands for the connection until
// trace_close.
inline void trace_listener(int fd) {
    if (is_tracing) {
        trace::listen(fd);
    }
}
inline void trace_connection(int fd, const std::string& name) {
    if (is_tracing) {
        trace::open_connection(fd, name);
    }
}
inline void trace_received(int fd, std::size_t count) {
    if (is_tracing) {
        trace::received(fd, count);
    }
}
inline void trace_sent(int fd, std::size_t count, std::size_t wanted) {
    if (is_tracing) {
        trace::sent(fd, count, wanted);
    }
}
inline void trace_close(int fd) {
    if (is_tracing) {
        trace::close_connection(fd);
    }
}

// Shows in the lane of the calling thread that it is inside a system call that may wait, for
// one descriptor.
class TraceSpan {
  public:
    TraceSpan(const char* call, int fd) {
        if (is_tracing) {
            trace::begin_call(call, fd);
        }
    }
    ~TraceSpan() {
        if (is_tracing) {
            trace::end_call();
        }
    }
    TraceSpan(const TraceSpan&) = delete;
    TraceSpan& operator=(const TraceSpan&) = delete;
};
