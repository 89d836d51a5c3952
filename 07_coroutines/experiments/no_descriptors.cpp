// Experiment: a server may have 24 descriptors, and 30 clients come. First the server that is
// made of the sketch, then the real one.
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <poll.h>

void run_out_of_descriptors(const std::string& program) {
    ServerSetup setup;
    setup.arguments = {"--port", "0"};
    setup.max_fds = 24;
    setup.collect_errors = true;
    ServerProcess server(program, setup);

    server.stop(); // so that all of them are there when it goes on
    std::vector<Socket> clients;
    for (int i = 0; i < 30; ++i) {
        clients.push_back(connect_to("127.0.0.1", server.port()));
    }
    server.resume();
    server.errors_until("Too many open files");
    std::cout << "  30 clients have come, which are too many\n";

    if (wait_for(clients.front().fd(), POLLIN, std::chrono::seconds(1))) {
        std::cout << "  the first one sees that its connection is closed\n";
        std::cout << "  the server has ended with status " << server.wait().status << '\n';
        return;
    }
    clients.front().send_all("hello");
    std::cout << "  the first one sends hello and gets " << clients.front().recv(5) << '\n';
    clients.erase(clients.begin(), clients.begin() + 20);
    clients.back().send_all("hello");
    std::cout << "  20 leave; the last one sends hello and gets " << clients.back().recv(5)
              << '\n';
}

int main() {
    std::cout << "the sketch:\n";
    run_out_of_descriptors(PROGRAMS "/sketch_echo_server");
    std::cout << "the real headers:\n";
    run_out_of_descriptors(PROGRAMS "/echo_server");
}
