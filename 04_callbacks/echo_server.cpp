// Stage 04: callbacks. Stage 03's loop has become the EventLoop, which knows nothing about
// clients; each client registers the function that is to be called when it can go on.
#include "event_loop.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <csignal>
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
    Socket socket;
    std::string outgoing; // received but not sent back yet; until it is, we do not receive more
};

// Sends as much of it as the kernel takes now.
void on_writable(Client& client) {
    client.outgoing.erase(0, client.socket.try_send(client.outgoing).value_or(0));
}

// Receives what is there now. Returns false at the end of the stream.
bool on_readable(Client& client) {
    char buffer[4096];
    std::optional<std::string_view> data = client.socket.try_recv(buffer);
    if (!data) {
        return true; // nothing there after all: select(2), BUGS
    }
    if (data->empty()) {
        log_line(client.socket.address(), "disconnected");
        return false;
    }
    client.outgoing = *data;
    return true;
}

void wait_for(EventLoop& loop, const std::shared_ptr<Client>& client);

// Serves one client as far as that goes without waiting; then waits for it again, or closes it.
void echo_handler(EventLoop& loop, const std::shared_ptr<Client>& client) {
    try {
        if (!client->outgoing.empty() || on_readable(*client)) {
            on_writable(*client);
            wait_for(loop, client);
            return;
        }
    } catch (const std::exception& error) {
        log_line(client->socket.address(), error.what());
    }
    loop.forget(client->socket.fd());
}

// The callback owns the client: without one it is destroyed, and its socket closed.
void wait_for(EventLoop& loop, const std::shared_ptr<Client>& client) {
    int fd = client->socket.fd();
    auto go_on = [&loop, client] { echo_handler(loop, client); };
    if (client->outgoing.empty()) {
        loop.remove_writer(fd);
        loop.add_reader(fd, go_on);
    } else {
        loop.remove_reader(fd);
        loop.add_writer(fd, go_on);
    }
}

// Accepts one client, if there is one; then waits for the next.
void accept_client(EventLoop& loop, Socket& listener) {
    auto again = [&loop, &listener] { accept_client(loop, listener); };
    std::optional<Socket> socket;
    try {
        socket = listener.try_accept();
        loop.add_reader(listener.fd(), again);
    } catch (const std::system_error& error) {
        if (is_broken_listener(error)) {
            loop.stop(std::current_exception());
            return;
        }
        // No free descriptor, say. The client stays in the queue and the listener readable:
        // without a pause the loop would call us at once, again and again.
        log_line(listener.address(), error.what());
        loop.remove_reader(listener.fd());
        loop.call_later(100ms, again);
    }
    if (socket) {
        log_line(socket->address(), "connected");
        wait_for(loop, std::make_shared<Client>(Client{std::move(*socket), ""}));
    }
}

// Starts the server. The listener must stay alive as long as the loop runs.
void echo_server(EventLoop& loop, Socket& listener) {
    log_listening(listener.address());
    listener.set_blocking(false);
    accept_client(loop, listener);
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
