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

struct Report {
    Machine machine;
    bool is_quick = false;
    double window_s = 0; // in which round trips were counted
    std::vector<StageReport> stages;
};

std::string as_json(const Report& report);
std::string as_svg(const Report& report); // the watched clients of all stages
