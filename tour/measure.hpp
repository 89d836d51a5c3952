// The numbers of a stage. A number that was not measured is not there, and says why.
#pragma once

#include "tour/places.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

struct Number {
    std::optional<double> value;
    std::string why_not; // where there is no value
};

// Clients that exchange messages, beside idle ones.
struct LoadNumbers {
    std::size_t active_clients = 0;
    bool has_idle_clients = false; // beside them: Measured::idle_clients
    std::size_t round_trips = 0;   // that were made
    Number round_trips_per_second;
    Number p99_us;
    Number cpu_us; // of the server, per round trip
};

struct Measured {
    std::size_t clients_tried = 0; // to be served at once
    Number clients_served;
    Number threads; // of the server, with all of them
    std::vector<LoadNumbers> loads;
    Number system_calls; // per round trip, with one client
    std::size_t idle_clients = 0;
    Number memory_bytes; // per idle client
    Number handler_lines;
};

// How much is measured.
struct Effort {
    std::chrono::milliseconds window; // in which round trips are counted
    std::size_t most_idle_clients;
    std::size_t descriptors; // that we may have
};

// Calls `progress` with what it does. Throws std::runtime_error if the server misbehaves.
Measured measure(const Stage& stage, const Effort& effort,
                 const std::function<void(const std::string&)>& progress);
