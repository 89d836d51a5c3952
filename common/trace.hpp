// A timeline of what a server does. Where the environment variable ECHO_TRACE names a file,
// Socket and Selector record each wait there in the Trace Event Format (JSON array form), which
// ui.perfetto.dev and chrome://tracing draw: one lane for each connection, one for each thread.
// Every event is one line, written at once: the file is complete however the program ends. (The
// format makes the closing bracket optional for that reason.)
#pragma once

#include <cstddef>
#include <string>

// The lane of a connection shows by turns "waits for input" and "echoes"; each event names the
// thread that is at work. The number of the descriptor stands for the connection until
// trace_close.
void trace_connection(int fd, const std::string& name);
void trace_received(int fd, std::size_t count);
void trace_sent(int fd, std::size_t count, std::size_t wanted);
void trace_close(int fd);

// Shows in the lane of the calling thread that it is inside a system call that may wait.
class TraceSpan {
  public:
    explicit TraceSpan(const char* name);
    ~TraceSpan();
    TraceSpan(const TraceSpan&) = delete;
    TraceSpan& operator=(const TraceSpan&) = delete;
};
