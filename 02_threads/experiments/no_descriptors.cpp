// Experiment: the server of stage 02 may have 24 descriptors, and 30 clients come. What becomes
// of those that are too many, and what does the server do meanwhile?
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

#include <poll.h>

using namespace std::chrono_literals;

bool has_answer(const Socket& client) {
    return wait_for(client.fd(), POLLIN, 0ms);
}

int main() {
    ServerSetup setup;
    setup.max_fds = 24;
    ServerProcess server(PROGRAMS "/echo_server", setup);

    std::vector<Socket> clients;
    for (int i = 0; i < 30; ++i) {
        clients.push_back(connect_to("127.0.0.1", server.port()));
        clients.back().send_all("hello");
    }
    std::cout << "30 clients are connected and have sent hello\n";
    std::this_thread::sleep_for(500ms); // time enough for all answers
    std::cout << "have an answer: " << std::count_if(clients.begin(), clients.end(), has_answer)
              << '\n';

    double cpu = server.cpu_seconds();
    std::this_thread::sleep_for(1s);
    cpu = server.cpu_seconds() - cpu;
    std::cout << "in the next second the server uses "
              << (cpu < 0.02 ? "less than 20 ms" : "20 ms or more")
              << " of CPU time: " << cpu * 1000 << " ms\n";

    clients.erase(clients.begin(),
                  std::find_if_not(clients.begin(), clients.end(), has_answer));
    bool all_served = std::all_of(clients.begin(), clients.end(), [](const Socket& client) {
        return wait_for(client.fd(), POLLIN, 5s);
    });
    std::cout << "those with an answer leave; then "
              << (all_served ? "all others get theirs\n" : "not all others get theirs\n");
}
