// Experiment: 1,100 clients connect to the server of stage 03. Its descriptors would suffice,
// but an fd_set has a fixed size. What becomes of each client?
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <iostream>
#include <system_error>
#include <vector>

#include <poll.h>
#include <sys/select.h>

using namespace std::chrono_literals;

// Whether the server has closed the connection of a client that has sent nothing.
bool is_refused(const Socket& client) {
    return wait_for(client.fd(), POLLIN, 0ms);
}

bool is_served(Socket& client) {
    try {
        client.send_all("hello");
        return client.recv(4096) == "hello";
    } catch (const std::system_error&) { // it was reset
        return false;
    }
}

int main() {
    if (raise_descriptor_limit() < 1'200) {
        std::cout << "this needs 1,200 descriptors, and we may not have that many\n";
        return 1;
    }
    std::cout << "FD_SETSIZE: " << FD_SETSIZE << '\n';
    std::vector<Socket> clients; // outlive the server
    ServerProcess server(PROGRAMS "/echo_server");
    while (clients.size() < 1'100) {
        clients.push_back(connect_to("127.0.0.1", server.port()));
    }
    std::cout << "clients that are connected: " << clients.size() << '\n';

    wait_for(clients.back().fd(), POLLIN, patience); // until the last one is refused, too
    auto first_refused = std::find_if(clients.begin(), clients.end(), is_refused);
    auto refused = std::count_if(first_refused, clients.end(), is_refused);
    std::cout << "refused: " << refused << ", which are "
              << (refused == clients.end() - first_refused ? "the last\n" : "not the last\n");
    bool all_served = std::all_of(clients.begin(), first_refused, is_served);
    std::cout << (all_served ? "all" : "not all") << " before them get their answers\n";

    clients.front().close();
    Socket late = connect_to("127.0.0.1", server.port());
    std::cout << "one of these leaves; the next that connects is "
              << (is_served(late) ? "served\n" : "refused\n");
}
