// What the tour shows, in the form the program, the picture and the JSON file share.
#pragma once

#include "tour/measure.hpp"
#include "tour/places.hpp"
#include "tour/watch.hpp"

#include <optional>
#include <string>
#include <vector>

struct StageReport {
    Stage stage;
    std::optional<Watched> watched;
    std::optional<Measured> measured;
};

// Where all this was measured.
struct Machine {
    unsigned cores;
    std::string kernel;
    std::string compiler;
    std::string build_type;

    std::string line() const; // all of it, for people
};
Machine this_machine();

// Asks for all cores for 100 ms, and returns which part of that it got. Less than 1: other
// programs were busy, or this one may not have all cores.
double share_of_cores();

struct Report {
    Machine machine;
    bool is_quick = false;
    double window_s = 0;       // of a round, in which round trips were counted
    double share_of_cores = 1; // the least that was seen between the rounds
    std::vector<StageReport> stages;
};

// A line that says so if the machine was too busy for its figures to mean anything; otherwise "".
std::string busy_warning(const Report& report);
std::string table_of(const Report& report); // with what its figures mean
std::string as_json(const Report& report);
std::string as_svg(const Report& report); // the watched clients of all stages
