// The seven stages, and what the tour must know of each: where its server program and its
// source are, how it waits, and how many clients it can take.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

struct Stage {
    std::string name; // of its folder
    std::string way;  // in which it waits, in a few words
    bool one_at_a_time = false;
    bool may_refuse = false;           // has a limit of its own for the number of clients
    std::size_t idle_clients = 10'000; // with that many its memory is measured; 0: not at all

    std::string number() const { return name.substr(0, 2); }
};

std::vector<Stage> all_stages();

// The stages of a list as in "03,7,05_future", in the order of the tutorial. Throws
// std::invalid_argument if there is no such stage.
std::vector<Stage> find_stages(const std::string& list);

// Remembers where the programs are: beside that of the tour, whose name as main() got it is
// only asked where the system does not tell.
void locate_programs(const char* tour);
std::string program_of(const Stage& stage);

// The lines of echo_server.cpp that serve a client: all code between the includes and the first
// function that accepts. Blank lines, comments and `using` do not count. std::nullopt: the
// source cannot be read.
std::optional<std::size_t> count_handler_lines(const Stage& stage);
