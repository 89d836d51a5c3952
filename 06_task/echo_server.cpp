// Stage 06: a Task drives a generator. The handler is stage 01's function again, with co_yield
// wherever it waits; and a loop inside it is a loop again.
#include "async_socket.hpp"
#include "run.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <utility>

// Serves one client: sends back what it receives until the client has sent everything. An error
// (the client has reset the connection, say) ends this client, and no other.
Coroutine<void> echo_handler(AsyncSocket client) {
    log_line(client.address(), "connected");
    try {
        while (true) {
            std::string data = co_yield client.recv(4096);
            if (data.empty()) {
                break;
            }
            co_yield client.send_all(data);
        }
        log_line(client.address(), "disconnected");
    } catch (const std::exception& error) {
        log_line(client.address(), error.what());
    }
}

// Accepts clients, and never returns.
Coroutine<void> echo_server(AsyncSocket listener) {
    log_listening(listener.address());
    while (true) {
        AsyncSocket client = co_yield listener.accept();
        create_task(echo_handler(std::move(client)));
    }
}

int main(int argc, char** argv) {
    try {
        LoopServerOptions options = parse_loop_server_options(argc, argv);
        EventLoop loop(make_selector(options.selector));
        AsyncSocket listener(loop, listen_on(options.host, options.port));
        run(loop, echo_server(std::move(listener)));
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
