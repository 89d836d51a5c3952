// Counts the system calls of a server from outside, as strace does: the kernel stops the server
// at each of them and tells us (ptrace, on Linux only). So a stage needs no counter, and cannot
// forget one.
#pragma once

#include "tour/server.hpp"

#include <cstddef>
#include <string>

struct SystemCalls {
    std::size_t calls = 0;
    std::size_t round_trips = 0; // 0: nothing was measured,
    std::string problem;         // and why
};

// Counts what the server does while one client makes `round_trips`. Throws as that client's
// Socket does, and std::runtime_error if the echo is wrong.
SystemCalls count_system_calls(const ServerProcess& server, std::size_t round_trips);
