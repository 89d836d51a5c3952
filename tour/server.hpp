// The server program of a stage, as the tour needs it: started, looked at from outside, and
// gone at the end. A server that dies is noticed and named. And a simple client of it.
#pragma once

#include "tour/places.hpp"

#include "support/testing/server_process.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <functional>
#include <string_view>

// A client of the tour that waits longer than this for an answer gives up, and the tour fails.
constexpr std::chrono::seconds CLIENT_PATIENCE(20);

// Starts the server of a stage, calls `use` and ends the server. Throws std::runtime_error,
// which names the stage, if the server does not start or has died, or `use` has thrown.
void with_server(const Stage& stage, const std::function<void(ServerProcess&)>& use,
                 const ServerSetup& setup = {});

// A client that blocks, so it needs a thread of its own. It gives up after CLIENT_PATIENCE.
Socket connect_client(const ServerProcess& server);
// Sends `message`, and waits for its echo. Throws std::runtime_error if anything else comes, and
// std::system_error if nothing does.
void round_trip(Socket& client, std::string_view message);
