// Sends each line of standard input to an echo server and prints what comes back.
#include "common/socket.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

// Waits until the server has sent back as many bytes as we sent: one send is not one recv.
std::string receive_exactly(Socket& server, std::size_t size) {
    std::string received;
    while (received.size() < size) {
        std::string data = server.recv(size - received.size());
        if (data.empty()) {
            throw std::runtime_error("the server has closed the connection");
        }
        received += data;
    }
    return received;
}

// Piece by piece: if we sent many megabytes before we received any, the server could not get
// rid of its echo, would stop receiving, and each of us would wait for the other, without end.
void echo(Socket& server, std::string_view line) {
    while (!line.empty()) {
        std::string_view piece = line.substr(0, 4096);
        server.send_all(piece);
        std::cout << receive_exactly(server, piece.size()) << std::flush;
        line.remove_prefix(piece.size());
    }
}

void echo_lines(Socket server) {
    std::string line;
    while (std::getline(std::cin, line)) {
        echo(server, line + '\n');
    }
}

int main(int argc, char** argv) {
    std::string host = argc > 1 ? argv[1] : "127.0.0.1";
    std::string port_text = argc > 2 ? argv[2] : "8888";
    std::uint16_t port = 0;
    const char* end = port_text.data() + port_text.size();
    bool is_port = std::from_chars(port_text.data(), end, port).ptr == end && port != 0;
    if (argc > 3 || host.starts_with("-") || !is_port) {
        std::cerr << "usage: echo_client [HOST [PORT]]     (127.0.0.1 8888)\n";
        return 2;
    }
    try {
        echo_lines(connect_to(host, port));
    } catch (const std::exception& error) {
        std::cerr << "echo_client: " << error.what() << '\n';
        return 1;
    }
}
