// Experiment: two clients withdraw money from one account. The handler is right for one client,
// and every access to the account is atomic. Even so, money appears from nowhere.
#include "common/socket.hpp"

#include <atomic>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

std::atomic<int> account = 100;

// Over loopback each of these short messages arrives whole; a real server must not rely on
// that. Receives an amount, tells what would be left, and withdraws it when the
// client confirms that. The mistake: meanwhile another thread may have changed the account.
void withdraw_handler(Socket client) {
    int left = account - std::stoi(client.recv(4096));
    client.send_all("would leave " + std::to_string(left));
    client.recv(4096);
    account = left;
    client.send_all("done");
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::string port = listener.address().substr(listener.address().find(':') + 1);
    std::vector<Socket> clients;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        clients.push_back(connect_to("127.0.0.1", static_cast<std::uint16_t>(std::stoi(port))));
        threads.emplace_back(withdraw_handler, listener.accept());
    }

    std::cout << "in the account: " << account << '\n';
    for (Socket& client : clients) {
        client.send_all("30");
        std::cout << "a client withdraws 30: " << client.recv(4096) << '\n';
    }
    for (Socket& client : clients) {
        client.send_all("yes");
        std::cout << "it says yes: " << client.recv(4096) << '\n';
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::cout << "in the account: " << account << '\n';
}
