// Experiment: 200 clients connect to the server of stage 01. How many are connected, how many
// get an answer? Then the queue of a listening socket without an accept, until
// it is full.
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

using namespace std::chrono_literals;

bool is_connected(const Socket& client, std::chrono::milliseconds timeout) {
    return wait_for(client.fd(), POLLOUT, timeout);
}

// Connects clients, one after the other, until one has to wait or there are `wanted`.
std::vector<Socket> connect_clients(std::size_t wanted, std::uint16_t port) {
    std::vector<Socket> clients;
    while (clients.size() < wanted) {
        clients.push_back(start_connect(resolve("127.0.0.1", port).front()));
        if (!is_connected(clients.back(), 500ms)) {
            break;
        }
        clients.back().finish_connect(); // throws if it was refused
    }
    return clients;
}

void two_hundred_clients() {
    ServerProcess server(PROGRAMS "/echo_server");
    std::vector<Socket> clients = connect_clients(200, server.port());
    int connected = 0;
    for (Socket& client : clients) {
        if (is_connected(client, 0ms)) {
            ++connected;
            client.send_all("hello");
        }
    }
    wait_for(clients[0].fd(), POLLIN, patience);
    wait_for(clients[1].fd(), POLLIN, 500ms);
    auto has_answer = [](const Socket& client) { return wait_for(client.fd(), POLLIN, 0ms); };
    std::cout << connected << " of 200 clients are connected\n"
              << "have an answer: " << std::count_if(clients.begin(), clients.end(), has_answer)
              << '\n';
}

void full_queue() {
    Socket listener = listen_on("127.0.0.1", 0);
    ::listen(listener.fd(), 8); // a second call only changes the length of the queue
    std::string port = listener.address().substr(listener.address().find(':') + 1);
    std::vector<Socket> clients =
        connect_clients(200, static_cast<std::uint16_t>(std::stoi(port)));
    if (is_connected(clients.back(), 0ms)) {
        std::cout << "this system's queue takes all 200\n";
        return;
    }
    std::cout << "a queue for 8, and no accept\n"
              << "connected, before one has to wait: " << clients.size() - 1 << '\n';

    auto start = std::chrono::steady_clock::now();
    Socket accepted = listener.accept();
    std::cout << "one is accepted\n";
    bool is_in = is_connected(clients.back(), patience);
    std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    std::cout << "the one that has to wait is "
              << (is_in ? "connected, but only " : "not connected ")
              << std::round(waited.count() * 10) / 10 << " s later\n";
}

int main() {
    two_hundred_clients();
    full_queue();
}
