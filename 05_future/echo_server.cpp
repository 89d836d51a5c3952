// Stage 05: Futures. Registering, removing and retrying have moved into AsyncSocket; the
// handler says again "receive, then send, then again". But it says so in pieces.
#include "async_socket.hpp"
#include "event_loop.hpp"
#include "future.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <string>

void receive(const AsyncSocket& client);
void on_received(const AsyncSocket& client, const Future<std::string>& received);
void on_sent(const AsyncSocket& client, const Future<void>& sent);

// Starts to serve one client. The callbacks own it: with the last of them it is closed.
void echo_handler(const AsyncSocket& client) {
    log_line(client.address(), "connected");
    receive(client);
}

void receive(const AsyncSocket& client) {
    client.recv(4096).add_done_callback(
        [client](const Future<std::string>& received) { on_received(client, received); });
}

void on_received(const AsyncSocket& client, const Future<std::string>& received) {
    try {
        const std::string& data = received.result(); // throws if receiving has failed
        if (data.empty()) {
            log_line(client.address(), "disconnected");
            return;
        }
        client.send_all(data).add_done_callback(
            [client](const Future<void>& sent) { on_sent(client, sent); });
    } catch (const std::exception& error) {
        log_line(client.address(), error.what());
    }
}

void on_sent(const AsyncSocket& client, const Future<void>& sent) {
    try {
        sent.result();
        receive(client);
    } catch (const std::exception& error) {
        log_line(client.address(), error.what());
    }
}

// Accepts one client, then the next.
void accept_clients(EventLoop& loop, const AsyncSocket& listener) {
    listener.accept().add_done_callback([&loop, listener](const Future<AsyncSocket>& accepted) {
        try {
            echo_handler(accepted.result());
            accept_clients(loop, listener);
        } catch (const std::exception&) {
            loop.stop(std::current_exception()); // the listener is no good any more
        }
    });
}

void echo_server(EventLoop& loop, const AsyncSocket& listener) {
    log_listening(listener.address());
    accept_clients(loop, listener);
}

int main(int argc, char** argv) {
    try {
        LoopServerOptions options = parse_loop_server_options(argc, argv);
        EventLoop loop(make_selector(options.selector));
        AsyncSocket listener(loop, listen_on(options.host, options.port));
        for (int signal : {SIGINT, SIGTERM}) {
            loop.add_signal_handler(signal, [&loop] { loop.stop(); });
        }
        echo_server(loop, listener);
        loop.run_forever();
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
