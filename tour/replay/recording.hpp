// A recording: a server and three clients that do one thing at a time. After each the server is
// given time until it has nothing left to do, so the order of events is always the same.
#pragma once

#include "tour/replay/program.hpp"

#include "support/testing/stages.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

constexpr std::size_t CLIENTS = 3;

// What a client has sent and got back.
struct Exchange {
    std::size_t sent = 0;
    std::size_t got = 0;
    bool is_connected = false;
    bool has_finished = false; // sending
    bool is_reading = true;
    bool has_left = false;
};
using Exchanges = std::array<Exchange, CLIENTS>;

struct Event {
    enum Kind {
        CLIENT_ACTS, // the only one that is not from the trace of the server
        BLOCK,       // see recorder.cpp
        STACK,       // where the next event has come from
        LISTENS,
        WATCH,
        READY,
        BEGIN_CALL,
        END_CALL,
        CONNECTED,
        RECEIVED,
        SENT,
        CLOSED,
        THREAD_ENDS,
    };

    Kind kind;
    std::size_t thread = 0; // from 1
    std::size_t client = 0; // from 1; 0: none
    std::string name = {};  // of a call; an action in words
    int fd = -1;
    std::string events = {}; // "r", "w", "rw"
    std::size_t bytes = 0;
    std::size_t wanted = 0;      // bytes
    std::size_t iteration = 0;   // of the loop
    bool is_only_a_look = false; // a call with a timeout of 0
    Address at = 0;
    std::uint64_t frame = 0;
    Address from = 0;
    std::vector<Address> stack = {}; // to return to
    std::size_t action = 0;   // its number in the script; 0: a client gets what was sent to it
    Exchanges exchanges = {}; // after it
};

struct Recording {
    Stage stage;
    std::vector<std::string> source; // the lines of echo_server.cpp
    Program program;
    std::vector<Event> events;
};

// Starts the recorded server of the stage. Throws std::runtime_error if it does not do what is
// expected.
Recording record(const Stage& stage);
