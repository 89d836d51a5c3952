// A few slow clients visit a server at the same time, and what happens to each of them is
// written down: who waited, who was served. All stages get the same clients.
#pragma once

#include "tour/server.hpp"

#include <chrono>
#include <string>
#include <vector>

struct Scene {
    std::size_t clients;
    std::size_t lines;                  // of each client
    std::chrono::milliseconds thinking; // of a client, between two lines
    std::chrono::milliseconds apart;    // before each client comes; 0: all come at once
};
constexpr Scene ALL_AT_ONCE{5, 3, std::chrono::milliseconds(100), {}};
// One after the other, so that the server is never called by two of them in one moment.
constexpr Scene IN_TURN{3, 2, std::chrono::milliseconds(150), std::chrono::milliseconds(50)};

// All times in milliseconds since we started to watch.

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
    Scene scene;
    std::chrono::steady_clock::time_point start;
    std::vector<WatchedClient> clients;
    double wall_ms; // until the last client has left

    double longest_wait_ms() const; // for an answer
    bool is_one_at_a_time() const;  // someone waited while another client was thinking
    std::string summary() const;    // what there was to see, in one sentence
};

Watched watch(const ServerProcess& server, const Scene& scene);
