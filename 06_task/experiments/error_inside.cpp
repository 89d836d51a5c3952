// Experiment: two clients, and a handler that catches nothing. What one client sends makes it
// throw. What becomes of the other client?
#include "async_socket.hpp"
#include "run.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

Coroutine<void> handler(AsyncSocket client) {
    std::string data = co_yield client.recv(4096);
    std::cout << "a handler gets: " << data << std::endl;
    if (data == "nonsense") {
        throw std::runtime_error("I do not understand");
    }
}

Coroutine<void> server(AsyncSocket listener) {
    while (true) {
        AsyncSocket client = co_yield listener.accept();
        create_task(handler(std::move(client)));
    }
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::string address = listener.address();
    int port = std::stoi(address.substr(address.rfind(':') + 1));
    Socket first = connect_to("127.0.0.1", static_cast<std::uint16_t>(port));
    first.send_all("nonsense");
    Socket second = connect_to("127.0.0.1", static_cast<std::uint16_t>(port));
    second.send_all("hello");

    EventLoop loop(make_default_selector());
    loop.call_later(std::chrono::milliseconds(200), [&loop] { loop.stop(); });
    try {
        run(loop, server(AsyncSocket(loop, std::move(listener))));
        std::cout << "200 ms are over" << std::endl;
    } catch (const std::exception& error) {
        std::cout << "the loop has ended for all clients: " << error.what() << std::endl;
    }
}
