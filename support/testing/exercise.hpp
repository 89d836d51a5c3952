// What the exercises need: TODO marks a function body that the reader has to write.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

// What a program ends with in which a TODO is left; CTest counts that as "skipped".
constexpr int NOT_STARTED = 77;

// Says what is to be done, and where, and ends the program. An exception would not do: a
// coroutine, a callback or a thread would keep it from the test that is to be skipped.
[[noreturn]] inline void TODO(const char* hint, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
    std::string place = file; // as in "03_select/exercises/outgoing_buffer.hpp"
    place.erase(0, place.rfind('/', place.rfind("/exercises/") - 1) + 1);
    // In one piece: several threads may be here at once.
    std::cout << "not started: " + place + ':' + std::to_string(line) + ": " + hint + '\n'
              << std::flush;
    std::_Exit(NOT_STARTED);
}
