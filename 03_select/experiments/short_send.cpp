// Experiment: 8,000,000 bytes are sent with one call, and the other side does not read. First with
// a blocking socket, then with one that does not block.
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <poll.h>
#include <sys/socket.h>

using namespace std::chrono_literals;

const std::string DATA(8'000'000, 'x');

struct Connection {
    Socket client{-1, ""};
    Socket server{-1, ""};

    Connection() {
        Socket listener = listen_on("127.0.0.1", 0);
        std::string address = listener.address();
        int port = std::stoi(address.substr(address.rfind(':') + 1));
        client = connect_to("127.0.0.1", static_cast<std::uint16_t>(port));
        server = listener.accept();
    }
};

std::size_t receive(Socket& client, std::size_t count) {
    std::size_t received = 0;
    while (received < count) {
        received += client.recv(count - received).size();
    }
    return received;
}

void blocking() {
    Connection connection;
    std::cout << "a blocking socket\n";
    std::thread reader([&connection] {
        std::this_thread::sleep_for(300ms);
        std::cout << "  after 300 ms the client begins to read\n";
        receive(connection.client, DATA.size());
    });
    ssize_t sent = ::send(connection.server.fd(), DATA.data(), DATA.size(), 0);
    reader.join();
    std::cout << "  send returns " << sent << '\n';
}

void non_blocking() {
    Connection connection;
    connection.server.set_blocking(false);
    std::cout << "a non-blocking socket\n";
    std::size_t sent = connection.server.try_send(DATA).value_or(0);
    std::cout << "  send returns at once, and has taken " << sent << '\n';
    std::string_view rest = std::string_view(DATA).substr(sent);
    while (std::optional<std::size_t> more = connection.server.try_send(rest)) {
        rest.remove_prefix(*more);
    }
    std::cout << "  called until it would block, it has taken " << DATA.size() - rest.size()
              << '\n';
    receive(connection.client, DATA.size() - rest.size());
    wait_for(connection.server.fd(), POLLOUT, 1s);
    std::cout << "  when the client has read all that, it takes "
              << connection.server.try_send(rest).value_or(0) << " more\n";
}

int main() {
    blocking();
    non_blocking();
}
