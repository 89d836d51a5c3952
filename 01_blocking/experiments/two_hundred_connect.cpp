// Experiment: 200 clients connect to the server of stage 01. How many are connected, how many
// get an answer? Then the queue of a listening socket that nobody accepts from, until it is
// full.
#include "common/socket.hpp"
#include "common/testing/server_process.hpp"

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

// Connects clients, one after the other, until one has to wait or there are `wanted`.
std::vector<Socket> connect_clients(std::size_t wanted, std::uint16_t port) {
    std::vector<Socket> clients;
    bool has_to_wait = false;
    while (clients.size() < wanted && !has_to_wait) {
        clients.push_back(start_connect(resolve("127.0.0.1", port).front()));
        has_to_wait = !wait_for(clients.back().fd(), POLLOUT, 500ms);
        if (!has_to_wait) {
            clients.back().finish_connect(); // throws if it was refused
        }
    }
    std::cout << "connected: " << clients.size() - has_to_wait << '\n';
    return clients;
}

void two_hundred_clients() {
    ServerProcess server(PROGRAMS "/echo_server");
    std::vector<Socket> clients = connect_clients(200, server.port());
    for (Socket& client : clients) {
        client.send_all("hello");
    }
    wait_for(clients[0].fd(), POLLIN, patience);
    wait_for(clients[1].fd(), POLLIN, 500ms);
    auto has_answer = [](const Socket& client) { return wait_for(client.fd(), POLLIN, 0ms); };
    std::cout << "have an answer: " << std::count_if(clients.begin(), clients.end(), has_answer)
              << '\n';
}

void full_queue() {
    Socket listener = listen_on("127.0.0.1", 0);
    ::listen(listener.fd(), 8); // a second call only changes the length of the queue
    std::cout << "a queue for 8, and nobody accepts\n";
    std::string port = listener.address().substr(listener.address().find(':') + 1);
    std::vector<Socket> clients =
        connect_clients(200, static_cast<std::uint16_t>(std::stoi(port)));

    std::cout << "the next one still waits; now one is accepted\n";
    auto start = std::chrono::steady_clock::now();
    Socket accepted = listener.accept();
    bool is_connected = wait_for(clients.back().fd(), POLLOUT, patience);
    std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    std::cout << (is_connected ? "it is connected, but only " : "it is not connected ")
              << std::round(waited.count() * 10) / 10 << " s later\n";
}

int main() {
    two_hundred_clients();
    full_queue();
}
