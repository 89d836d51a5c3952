// The stages, as their CMakeLists.txt declare them: for the programs that know all of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

struct Stage {
    std::string name; // of its folder
    std::string way;  // in which it waits, in a few words
    bool one_at_a_time;
    bool may_refuse;          // has a limit of its own for the number of clients
    std::size_t idle_clients; // with that many its memory is measured; 0: not at all
    // The most lines of echo_server.cpp that may be added to, and removed from, those of the
    // stage before.
    std::size_t most_added;
    std::size_t most_removed;

    // asyncio has none: it is no step of the tutorial.
    bool has_number() const { return name.find('_') == 2; }
    // "07" of "07_coroutines"; the whole name if it has no number.
    std::string number() const { return has_number() ? name.substr(0, 2) : name; }
};

std::vector<Stage> all_stages();
// Without asyncio: the steps of the tutorial.
std::vector<Stage> numbered_stages();

// The stages of a list as in "03,7,05_future,asyncio", in the order of the tutorial. Throws
// std::invalid_argument if there is no such stage.
std::vector<Stage> find_stages(const std::string& list);
