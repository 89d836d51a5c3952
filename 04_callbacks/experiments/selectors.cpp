// Experiment: a client exchanges messages with a server of stage 04, first alone, then beside
// thousands that say nothing. How much CPU time does each cost, with which selector?
#include "common/selector.hpp"
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

void round_trip(Socket& client) {
    client.send_all("hello");
    client.recv(4096);
}

// The server's CPU time for one round trip, in microseconds.
double cost_of_round_trip(const ServerProcess& server, Socket& client) {
    constexpr int ROUND_TRIPS = 2'000;
    double before = server.cpu_seconds();
    for (int i = 0; i < ROUND_TRIPS; ++i) {
        round_trip(client);
    }
    return (server.cpu_seconds() - before) / ROUND_TRIPS * 1e6;
}

void compare(const std::string& selector, std::size_t idle_clients) {
    std::vector<Socket> idle; // outlive the server
    ServerSetup setup;
    setup.arguments.insert(setup.arguments.end(), {"--selector", selector});
    ServerProcess server(PROGRAMS "/echo_server", setup);
    Socket active = connect_to("127.0.0.1", server.port());
    round_trip(active); // now it is accepted
    double alone = cost_of_round_trip(server, active);

    while (idle.size() < idle_clients) {
        idle.push_back(connect_to("127.0.0.1", server.port()));
    }
    round_trip(idle.back()); // now all are accepted
    double crowded = cost_of_round_trip(server, active);
    std::cout << selector << ": " << std::round(alone) << " us alone, " << std::round(crowded)
              << " us beside " << idle_clients
              << " idle clients: " << (crowded > 3 * alone ? "more" : "less")
              << " than 3 times as much\n";
}

int main() {
    stay_on_one_core();
    std::size_t possible = raise_descriptor_limit() - 50;
    for (const std::string& selector : selector_names()) {
        compare(selector, selector == "select" ? 900 : std::min<std::size_t>(2'000, possible));
    }
}
