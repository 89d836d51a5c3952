// The clients of the tour: many of them in one thread, written with the library asyncio. A
// client that gets other bytes than it has sent, loses its connection or waits too long
// is an error.
#pragma once

#include "tour/server.hpp"

#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

// What happened while clients exchanged messages with a server.
struct Speed {
    double seconds = 0; // that it took
    std::size_t round_trips = 0;
    double server_cpu_seconds = 0;
    double p99_seconds = 0; // of a hundred round trips 99 took no longer

    double round_trips_per_second() const { return double(round_trips) / seconds; }
    double server_cpu_per_round_trip() const {
        return server_cpu_seconds / double(round_trips);
    }
};

// Clients that stay connected to a server until the Crowd is destroyed. Let the server
// end before that: the side that closes first keeps the connection's port busy for a minute
// (TIME_WAIT), and ten thousand of them are missed.
class Crowd {
  public:
    explicit Crowd(const ServerProcess& server);

    // Adds clients; each has had its first answer when this returns.
    void add(std::size_t count);
    // Tries to add `count` clients all at once, and waits for their first answers, until
    // `limit` has passed. Returns how many have got one. The others are allowed to lose their
    // connection.
    std::size_t add_those_served(std::size_t count, std::chrono::nanoseconds limit);

    // The first `active` clients exchange messages: each sends the next one when it has the
    // echo of the one before. Measures for as long as `window`, after a short start.
    Speed exchange(std::size_t active, std::chrono::nanoseconds window);

  private:
    struct Window;

    Coroutine<void> join(std::size_t count);
    Coroutine<void> try_to_join(std::size_t& served);
    Coroutine<void> keep_sending(AsyncSocket socket, Window& window);

    const ServerProcess& server_;
    Endpoint endpoint_;
    EventLoop loop_;
    std::vector<AsyncSocket> clients_;
};
