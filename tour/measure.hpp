// The numbers of a stage: the timed ones from several rounds. One that was not measured says why.
#pragma once

#include "tour/places.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

constexpr int ROUNDS = 3; // odd: the median is one of them

struct Number {
    std::vector<double> rounds; // what each of them has measured
    std::string why_not;        // where none has

    std::optional<double> median() const;
    double difference() const; // of the highest and the lowest, as a part of the median
};

// Clients that exchange messages, beside idle ones.
struct LoadNumbers {
    std::size_t active_clients;
    bool has_idle_clients;       // beside them: Measured::idle_clients
    std::size_t round_trips = 0; // that were made, in all rounds
    Number round_trips_per_second = {};
    Number p99_us = {};
    Number cpu_us = {}; // of the server, per round trip
};

struct Measured {
    std::size_t clients_tried = 0; // to be served at once
    Number clients_served;
    Number threads; // of the server, with all of them
    std::vector<LoadNumbers> loads = {{1, false}, {50, false}, {500, false}, {50, true}};
    Number system_calls; // per round trip, with one client
    std::size_t idle_clients = 0;
    Number memory_bytes; // per idle client
    Number handler_lines;
};

// How much is measured in a round.
struct Effort {
    std::chrono::milliseconds window; // in which round trips are counted
    std::size_t most_idle_clients;
    std::size_t descriptors; // that we may have
};

// Both call `progress` with what they do, and throw std::runtime_error if the server misbehaves.
using Progress = std::function<void(const std::string&)>;
// What is counted once.
Measured measure_counts(const Stage& stage, const Effort& effort, const Progress& progress);
// One more round of what is timed, and of the memory.
void measure_round(const Stage& stage, const Effort& effort, const Progress& progress,
                   Measured& result);
