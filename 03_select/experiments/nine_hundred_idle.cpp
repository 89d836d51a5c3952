// Experiment: a client exchanges messages with the server of stage 03. How much CPU
// time does each cost when the client is alone, and when 900 others say nothing?
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <cmath>
#include <iostream>
#include <vector>

void round_trip(Socket& client) {
    client.send_all("hello");
    client.recv(4096);
}

// The server's CPU time for one round trip, in microseconds.
double cost_of_round_trip(const ServerProcess& server, Socket& client) {
    constexpr int ROUND_TRIPS = 3'000;
    double before = server.cpu_seconds();
    for (int i = 0; i < ROUND_TRIPS; ++i) {
        round_trip(client);
    }
    return (server.cpu_seconds() - before) / ROUND_TRIPS * 1e6;
}

int main() {
    stay_on_one_core();
    raise_descriptor_limit();
    std::vector<Socket> idle; // outlive the server
    ServerProcess server(PROGRAMS "/echo_server");
    Socket active = connect_to("127.0.0.1", server.port());
    round_trip(active); // now it is accepted
    double alone = cost_of_round_trip(server, active);
    std::cout << "one client alone: " << std::round(alone) << " us for each message\n";

    while (idle.size() < 900) {
        idle.push_back(connect_to("127.0.0.1", server.port()));
    }
    round_trip(idle.back()); // now all are accepted
    double crowded = cost_of_round_trip(server, active);
    std::cout << "beside 900 idle ones: " << std::round(crowded) << " us, "
              << (crowded > 3 * alone ? "more" : "less") << " than 3 times as much\n";
}
