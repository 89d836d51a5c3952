// The picture of a stage whose one thread has a loop: what a single message of a client sets in
// motion, and who calls whom. It is drawn from the recording, so there are steps in it, no
// times.
#pragma once

#include "tour/replay/steps.hpp"

#include <string>
#include <vector>

bool has_loop(const std::vector<Step>& steps);

std::string as_svg(const Recording& recording, const std::vector<Step>& steps);
