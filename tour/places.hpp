// Where the programs and the sources of the stages are.
#pragma once

#include "support/testing/stages.hpp"

#include <cstddef>
#include <optional>
#include <string>

// Remembers where the programs are: below the same folder as that of the tour, whose name as
// main() got it is only asked where the system does not tell.
void locate_programs(const char* tour);
std::string program_of(const Stage& stage);
std::string recorded_program_of(const Stage& stage); // see tour/replay/recorder.cpp

// Whether a line of echo_server.cpp defines the first function that accepts: what stands before
// it serves a client.
bool starts_accepting(const std::string& line);

// The lines of echo_server.cpp that serve a client: all code between the includes and the first
// function that accepts. Blank lines, comments and `using` do not count. std::nullopt: the
// source cannot be read.
std::optional<std::size_t> count_handler_lines(const Stage& stage);
