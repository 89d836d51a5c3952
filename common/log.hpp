// What a server says: one line on standard output when it is ready, and on standard error one
// line for whatever happens to a client. Each line is written in one piece, from any thread.
#pragma once

#include <string_view>

// "listening on 127.0.0.1:8888" on standard output, flushed: the program that has started the
// server may now connect.
void log_listening(std::string_view address);

// "127.0.0.1:50312 connected" on standard error, unless set_quiet(true) was called. The
// reader may have gone (`echo_server 2>&1 | head`): that ends the log, not the server, because
// log_listening makes the process ignore SIGPIPE.
void log_line(std::string_view who, std::string_view what);

// "WHERE: TEXT" on standard error, for the exception that is being handled: call it in a catch
// block. set_quiet does not turn it off.
void log_exception(std::string_view where);

void set_quiet(bool quiet);

// In debug mode an event loop says which callback has held it for long.
void set_debug_mode(bool enabled);
bool is_debug_mode();
