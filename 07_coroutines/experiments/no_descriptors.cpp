// Experiment: a server may have 24 descriptors, and 30 clients come. First the server that is
// made of the sketch, then the real one.
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include <poll.h>

using namespace std::chrono_literals;

std::vector<Socket> thirty_clients(const ServerProcess& server) {
    std::vector<Socket> clients;
    try {
        while (clients.size() < 30) {
            clients.push_back(connect_to("127.0.0.1", server.port()));
        }
    } catch (const std::system_error&) {
        // The server has ended already.
    }
    return clients;
}

void run_out_of_descriptors(const std::string& program) {
    ServerSetup setup;
    setup.max_fds = 24;
    setup.collect_errors = true;
    ServerProcess server(program, setup);
    std::vector<Socket> clients = thirty_clients(server);
    std::string errors = server.errors_until("accept");
    std::cout << "  30 clients come\n";
}

int main() {
    std::cout << "the sketch:\n";
    run_out_of_descriptors(PROGRAMS "/sketch_echo_server");
    std::cout << "the real headers:\n";
    run_out_of_descriptors(PROGRAMS "/echo_server");
}
