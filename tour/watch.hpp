// Five slow clients visit a server at the same time, and what happens to each of them is
// written down: who waited, who was served. All stages get the same clients.
#pragma once

#include "tour/server.hpp"

#include <chrono>
#include <string>
#include <vector>

constexpr std::size_t WATCHED_CLIENTS = 5;
constexpr std::size_t WATCHED_LINES = 3;
constexpr std::chrono::milliseconds THINKING_TIME(100); // of a client, between two lines

// All times in milliseconds since the first client started to connect.

struct WatchedLine {
    double sent_ms;
    double echoed_ms;
};

struct WatchedClient {
    double connecting_ms;
    double connected_ms;
    std::vector<WatchedLine> lines;
    double closed_ms;
};

struct Watched {
    std::vector<WatchedClient> clients;
    double wall_ms; // until the last client has left

    double longest_wait_ms() const; // for an answer
    std::string summary() const;    // what there was to see, in one sentence
};

Watched watch(const ServerProcess& server);
