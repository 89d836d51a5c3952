// A recording as the page shows it: step by step, and for each step the whole state. Where a
// client's place is kept follows from what was recorded: from the stacks of the threads, and
// from what the loop watches.
#pragma once

#include "tour/replay/recording.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

// Where a client is, or the part of the server that accepts.
struct Place {
    enum Kind {
        ABSENT,  // has not come yet
        QUEUE,   // connected, but not accepted
        IN_HAND, // accepted, but its handler has not begun, or has ended
        RUNS,    // a thread executes `line` for it
        WAITS,   // a thread waits for it in `line`
        STANDS,  // suspended at `line`; no thread
        KEPT,    // nowhere in the source: only in what `words` name
        GONE,
    };

    Kind kind = ABSENT;
    std::size_t line = 0;
    std::string words = {};
    bool operator==(const Place&) const = default;
};

struct ThreadState {
    std::size_t number;
    std::size_t line;               // of the innermost function that is in echo_server.cpp
    std::string call;               // it waits in this one; empty: it runs
    std::vector<std::string> stack; // the functions of the stage, main first
};

// A descriptor and what it is watched for: "r", "w" or "rw".
struct Watch {
    int fd;
    std::string whose;
    std::string events;
};

struct State {
    std::vector<ThreadState> threads;
    std::array<Place, CLIENTS + 1> places; // the first one is of who accepts
    Exchanges exchanges;
    std::array<std::size_t, CLIENTS> held{}; // bytes of each client that the server has to send
    std::size_t running_line = 0;            // 0: no thread runs
    std::vector<Watch> watched;
    std::vector<Watch> ready; // what the last look has found
    std::vector<std::string> queue;
    std::size_t timers = 0;    // that were ever set
    std::size_t iteration = 0; // of the loop; 0: there is none
    bool has_queue = false;
};

struct Step {
    enum Kind { CLIENT, LINE, WAIT, RETURN, WATCH, RECEIVED, SENT, OTHER, LEFT_OUT };

    Kind kind;
    std::size_t action; // CLIENT: its number in the script, see Event
    std::size_t client; // whom it concerns; 0: none
    std::string sentence;
    State state;
};

std::vector<Step> steps_of(const Recording& recording);

// Of a client that waits, in two or three words: "a callback".
std::string what_keeps_a_place(const std::vector<std::string>& source);

// What the lines of a source are, by number; the first element is not used.
struct SourceLines {
    explicit SourceLines(const std::vector<std::string>& source);

    // The line with which its statement begins; 0: there is no statement in it.
    std::vector<std::size_t> statement;
    std::vector<bool> is_heading; // of a function
    std::size_t first_that_accepts;
};
