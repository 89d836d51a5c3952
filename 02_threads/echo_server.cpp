// Stage 02: a thread for each client. The handler is that of stage 01; the clients do not wait.
#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

// Serves one client: sends back what it receives until the client has sent everything. An error
// (the client has reset the connection, say) ends this client, and no other.
void echo_handler(Socket client) {
    log_line(client.address(), "connected");
    try {
        while (true) {
            std::string data = client.recv(4096);
            if (data.empty()) {
                break;
            }
            client.send_all(data);
        }
        log_line(client.address(), "disconnected");
    } catch (const std::exception& error) {
        log_line(client.address(), error.what());
    }
}

// Accepts clients, and never returns.
void echo_server(Socket listener) {
    log_listening(listener.address());
    while (true) {
        Socket client = listener.accept();
        try {
            std::thread(echo_handler, std::move(client)).detach(); // it owns the client
        } catch (const std::system_error& error) {
            log_line("cannot start a thread:", error.what()); // the client is closed
        }
    }
}

int main(int argc, char** argv) {
    try {
        ServerOptions options = parse_server_options(argc, argv);
        Socket listener = listen_on(options.host, options.port);
        echo_server(std::move(listener));
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
