// Experiment: 10,000 clients of stage 02 that say nothing: what do they cost? And what does the
// server do when it cannot start another thread?
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <system_error>
#include <thread>
#include <vector>

#include <poll.h>

using namespace std::chrono_literals;

std::vector<Socket> connect_clients(const ServerProcess& server, std::size_t count) {
    std::vector<Socket> clients;
    while (clients.size() < count) {
        clients.push_back(connect_to("127.0.0.1", server.port()));
    }
    return clients;
}

// Says hello and waits for the answer. False: the server has closed the connection.
bool is_served(Socket& client) {
    try {
        client.send_all("hello");
        return client.recv(5) == "hello";
    } catch (const std::system_error&) { // it was reset
        return false;
    }
}

// Whether the server has closed the connection of a client that has sent nothing.
bool is_refused(const Socket& client) {
    return wait_for(client.fd(), POLLIN, 0ms);
}

void many_threads() {
    // 10,000 clients, or as many as we may have descriptors for.
    std::size_t count = std::min<std::size_t>(10'000, raise_descriptor_limit() - 50);
    std::vector<Socket> clients; // outlive the server
    ServerProcess server(PROGRAMS "/echo_server");
    std::size_t memory = server.memory_bytes();
    std::size_t address_space = server.address_space_bytes();

    clients = connect_clients(server, count);
    is_served(clients.back()); // when we know that, all others have been accepted, or refused
    auto refused = std::count_if(clients.begin(), clients.end(), is_refused);
    std::size_t served = count - static_cast<std::size_t>(refused);
    std::size_t threads = server.thread_count();
    std::cout << count << " clients, refused: " << refused << '\n';
    std::cout << threads << " threads, "
              << (threads == served + 1 ? "one for each client that is served, and main\n"
                                        : "which is not one for each client\n");

    if (served == 0) {
        return;
    }
    memory = (server.memory_bytes() - memory) / served;
    address_space = (server.address_space_bytes() - address_space) / served;
    std::cout << "for each: " << memory / 1000 << " KB of memory, " << address_space / 1000
              << " KB of address space, "
              << (address_space > 10 * memory ? "far more\n" : "about as much\n");
}

void too_many_threads() {
    ServerSetup setup;
    setup.max_address_space = 1'000'000'000;
    ServerProcess server(PROGRAMS "/echo_server", setup);
    std::vector<Socket> clients = connect_clients(server, 300);
    std::cout << "with 1 GB of address space: "
              << std::count_if(clients.begin(), clients.end(), is_served)
              << " of 300 clients are served\n";
    clients.clear();
    auto end = std::chrono::steady_clock::now() + patience;
    while (server.thread_count() > 1 && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(1ms);
    }
    Socket late = connect_to("127.0.0.1", server.port());
    std::cout << "they leave; the next one " << (is_served(late) ? "is" : "is not")
              << " served\n";
}

int main() {
    many_threads();
    too_many_threads();
}
