// The other side of what the clients see: what each thread of the server did meanwhile, read
// from the trace that the server itself has written (common/trace.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <istream>
#include <limits>
#include <string>
#include <vector>

// A thread waits in a system call, and then runs until it waits again. All times in
// milliseconds since we started to watch.
struct Turn {
    std::string call;
    double from_ms;
    double to_ms = std::numeric_limits<double>::infinity(); // that: the wait has not ended
    std::vector<std::size_t> clients = {}; // for which it then worked, the first one first
};

struct ServerThread {
    std::vector<Turn> turns;
    double last_ms; // the last that was seen of it
};

// The threads in the order in which they appear. The clients are numbered in the order in which
// the server accepted them, which is that in which they came: the kernel's queue keeps it.
std::vector<ServerThread> read_threads(std::istream& trace,
                                       std::chrono::steady_clock::time_point start);

// A call that returns before `min_ms` have passed has hardly waited: it counts as work in the
// turn before it.
std::vector<Turn> join_short_waits(const std::vector<Turn>& turns, double min_ms);
