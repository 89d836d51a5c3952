// Experiment: a server that asks select who is ready, and then serves that client with blocking
// calls until it has finished. Is that an event loop?
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/select.h>

using namespace std::chrono_literals;

// That of stage 01.
void echo_handler(Socket client) {
    while (true) {
        std::string data = client.recv(4096);
        if (data.empty()) {
            break;
        }
        client.send_all(data);
    }
}

// The mistake: until echo_handler returns, select is not asked.
void serve_two_clients(Socket listener) {
    std::vector<Socket> clients;
    for (int served = 0; served < 2;) {
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(listener.fd(), &readable);
        int highest = listener.fd();
        for (const Socket& client : clients) {
            FD_SET(client.fd(), &readable);
            highest = std::max(highest, client.fd());
        }
        ::select(highest + 1, &readable, nullptr, nullptr, nullptr);
        auto ready = std::find_if(clients.begin(), clients.end(), [&](const Socket& client) {
            return FD_ISSET(client.fd(), &readable);
        });
        if (ready != clients.end()) {
            echo_handler(std::move(*ready));
            clients.erase(ready);
            ++served;
        } else if (FD_ISSET(listener.fd(), &readable)) {
            clients.push_back(listener.accept());
        }
    }
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::string address = listener.address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    std::thread server(serve_two_clients, std::move(listener));

    Socket first = connect_to("127.0.0.1", port);
    Socket second = connect_to("127.0.0.1", port);
    std::cout << "two clients are connected\n";
    first.send_all("hello");
    std::cout << "the first sends hello, and gets " << first.recv(4096) << '\n';
    second.send_all("hello");
    bool has_answer = wait_for(second.fd(), POLLIN, 500ms);
    std::cout << "the second sends hello, and "
              << (has_answer ? "has an answer\n" : "has no answer after 500 ms\n");
    first.close();
    std::cout << "the first leaves; the second gets " << second.recv(4096) << '\n';
    second.close();
    server.join();
}
