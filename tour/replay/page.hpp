// The page: replay.html with its style, its program and the recordings in it. README.md says
// what the recordings look like as JSON.
#pragma once

#include "tour/replay/steps.hpp"

#include <string>
#include <vector>

std::string as_json(const Recording& recording, const std::vector<Step>& steps);

// `recordings`: of each stage, as JSON.
std::string page_with(const std::vector<std::string>& recordings);
