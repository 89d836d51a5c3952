// The picture of one stage: both sides of the same run, above the clients, below the threads of
// the server, on one clock.
#pragma once

#include "tour/places.hpp"
#include "tour/threads.hpp"
#include "tour/watch.hpp"

#include <string>
#include <vector>

struct Timeline {
    Stage stage;
    Watched watched;
    std::vector<ServerThread> threads;
    double end_ms; // until then we have watched
};

// Starts the server of the stage and lets the clients come, in turn.
Timeline watch_both_sides(const Stage& stage);

std::string as_svg(const Timeline& timeline);
