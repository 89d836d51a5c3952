// A timeline of what a server does. Where the environment variable ECHO_TRACE names a file,
// Socket and Selector record each wait there in the Trace Event Format (JSON array form), which
// ui.perfetto.dev and chrome://tracing draw: one lane for each connection, one for each thread.
// Every event is one line, written at once: the file is complete however the program ends. (The
// format makes the closing bracket optional for that reason.)
#pragma once

#include <cstddef>
#include <string>

// Whether ECHO_TRACE names a file. Everything below asks it inline: without a trace a server
// must lose no time.
extern const bool is_tracing;

// What there is to record; only called while tracing.
namespace trace {
void open_connection(int fd, const std::string& name);
void next_state(int fd, const char* state);
void close_connection(int fd);
void begin_call(const char* name);
void end_call();
} // namespace trace

// The lane of a connection shows by turns "waits for input" and "echoes"; each event names the
// thread that is at work. The number of the descriptor stands for the
// connection until trace_close.
inline void trace_connection(int fd, const std::string& name) {
    if (is_tracing) {
        trace::open_connection(fd, name);
    }
}
inline void trace_received(int fd, std::size_t count) {
    if (is_tracing && count > 0) {
        trace::next_state(fd, "echoes");
    }
}
inline void trace_sent(int fd, std::size_t count, std::size_t wanted) {
    if (is_tracing && count == wanted) {
        trace::next_state(fd, "waits for input");
    }
}
inline void trace_close(int fd) {
    if (is_tracing) {
        trace::close_connection(fd);
    }
}

// Shows in the lane of the calling thread that it is inside a system call that may wait.
class TraceSpan {
  public:
    explicit TraceSpan(const char* name) {
        if (is_tracing) {
            trace::begin_call(name);
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
