// Stage 04: callbacks. Stage 03's loop over select has become the EventLoop, and knows nothing
// of clients; a client registers the function that is to be called when it can go on.
#include "event_loop.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

using namespace std::chrono_literals;

struct Client {
    EventLoop& loop;
    Socket socket;
    std::string outgoing; // received but not sent back yet; until it is, we do not receive more
};

void on_readable(const std::shared_ptr<Client>& client);

// The callbacks own the client: with the last of them it is destroyed, and its socket closed.
void disconnect(Client& client, const std::string& reason) {
    log_line(client.socket.address(), reason);
    client.loop.remove_reader(client.socket.fd());
    client.loop.remove_writer(client.socket.fd());
}

// Sends as much as the kernel takes now. With the last byte it is on_readable's turn again.
void on_writable(const std::shared_ptr<Client>& client) {
    try {
        std::size_t sent = client->socket.try_send(client->outgoing).value_or(0);
        client->outgoing.erase(0, sent);
        if (client->outgoing.empty()) {
            client->loop.remove_writer(client->socket.fd());
            client->loop.add_reader(client->socket.fd(), [client] { on_readable(client); });
        }
    } catch (const std::exception& error) {
        disconnect(*client, error.what());
    }
}

// Receives what is there now and sends it back. If the kernel does not take all of it, it is
// on_writable's turn.
void on_readable(const std::shared_ptr<Client>& client) {
    try {
        char buffer[4096];
        std::optional<std::string_view> data = client->socket.try_recv(buffer);
        if (!data) {
            return; // nothing there after all
        }
        if (data->empty()) {
            disconnect(*client, "disconnected");
            return;
        }
        std::size_t sent = client->socket.try_send(*data).value_or(0);
        client->outgoing = data->substr(sent);
        if (!client->outgoing.empty()) {
            client->loop.remove_reader(client->socket.fd());
            client->loop.add_writer(client->socket.fd(), [client] { on_writable(client); });
        }
    } catch (const std::exception& error) {
        disconnect(*client, error.what());
    }
}

// Starts to serve one client; the callbacks do the rest.
void echo_handler(EventLoop& loop, Socket socket) {
    log_line(socket.address(), "connected");
    auto client = std::make_shared<Client>(Client{loop, std::move(socket), ""});
    try {
        loop.add_reader(client->socket.fd(), [client] { on_readable(client); });
    } catch (const std::exception& error) {
        disconnect(*client, error.what()); // the selector cannot watch so many
    }
}

void accept_clients(EventLoop& loop, Socket& listener);

// Accepts one client, if there is one.
void accept_client(EventLoop& loop, Socket& listener) {
    try {
        if (std::optional<Socket> socket = listener.try_accept()) {
            echo_handler(loop, std::move(*socket));
        }
    } catch (const std::system_error& error) {
        if (is_broken_listener(error)) {
            loop.stop(std::current_exception());
            return;
        }
        // No free descriptor, say. The client stays in the queue and the listener readable:
        // without a pause the loop would call us at once, again and again.
        log_line(listener.address(), error.what());
        loop.remove_reader(listener.fd());
        loop.call_later(100ms, [&loop, &listener] { accept_clients(loop, listener); });
    }
}

// Accepts clients from now on.
void accept_clients(EventLoop& loop, Socket& listener) {
    loop.add_reader(listener.fd(), [&loop, &listener] { accept_client(loop, listener); });
}

// Starts the server. The listener must stay alive as long as the loop runs.
void echo_server(EventLoop& loop, Socket& listener) {
    log_listening(listener.address());
    listener.set_blocking(false);
    accept_clients(loop, listener);
}

int main(int argc, char** argv) {
    try {
        LoopServerOptions options = parse_loop_server_options(argc, argv);
        Socket listener = listen_on(options.host, options.port);
        EventLoop loop(make_selector(options.selector));
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
