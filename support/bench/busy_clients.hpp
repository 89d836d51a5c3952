// Clients that keep an echo server busy: each sends its message again as soon as it is back.
#pragma once

#include "common/socket.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <poll.h>

class BusyClients {
  public:
    // Connects them to the server on 127.0.0.1, with a round trip each. Throws
    // std::system_error.
    BusyClients(std::uint16_t port, std::size_t clients, std::size_t bytes);

    // All of them talk for that long, and then until no message is on its way. Returns the
    // number of round trips. Throws std::runtime_error when the server closes a connection.
    std::size_t talk(std::chrono::milliseconds duration);

  private:
    void send(std::size_t client);

    std::string message_;
    std::vector<Socket> sockets_;
    std::vector<pollfd> waiting_;      // for each client
    std::vector<std::size_t> missing_; // bytes of its message that are not back yet
};
