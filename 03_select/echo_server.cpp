// Stage 03: one thread and select. select tells which sockets would not make us wait; what the
// server must remember of a client in the meantime is no longer a local variable.
#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/select.h>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Client {
    Socket socket;
    std::string outgoing; // received but not sent back yet; until it is, we do not receive more
};
using Clients = std::map<int, Client>; // by descriptor

// Sends as much as the kernel takes now.
bool on_writable(Client& client) {
    std::size_t sent = client.socket.try_send(client.outgoing).value_or(0);
    client.outgoing.erase(0, sent);
    return true;
}

// Receives what is there now and sends it back. Returns false at the end of the stream.
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
    return on_writable(client);
}

// Serves one client as far as that goes without waiting. Returns false when it is to be closed.
bool echo_handler(Client& client) {
    try {
        return client.outgoing.empty() ? on_readable(client) : on_writable(client);
    } catch (const std::exception& error) {
        log_line(client.socket.address(), error.what());
        return false;
    }
}

// Accepts one client, if there is one. Returns when to try again.
Clock::time_point accept_client(Socket& listener, Clients& clients) {
    try {
        if (std::optional<Socket> socket = listener.try_accept()) {
            int fd = socket->fd();
            bool has_room = fd < FD_SETSIZE; // beyond it FD_SET would write outside of the set
            log_line(socket->address(),
                     has_room ? "connected" : "refused: too many for select");
            if (has_room) {
                clients.emplace(fd, Client{std::move(*socket), ""});
            }
        }
    } catch (const std::system_error& error) {
        if (is_broken_listener(error)) {
            throw;
        }
        // No free descriptor, say. The client stays in the queue and the listener readable:
        // without a pause select would return at once, again and again.
        log_line(listener.address(), error.what());
        return Clock::now() + 100ms;
    }
    return Clock::now();
}

// Waits until somebody can go on; the sets then contain them. The listener has to wait until
// `next_accept`.
void wait(const Socket& listener, Clock::time_point next_accept, const Clients& clients,
          fd_set& readable, fd_set& writable) {
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    int highest = listener.fd();
    for (const auto& [fd, client] : clients) {
        FD_SET(fd, client.outgoing.empty() ? &readable : &writable);
        highest = std::max(highest, fd);
    }
    bool is_accepting = Clock::now() >= next_accept;
    if (is_accepting) {
        FD_SET(listener.fd(), &readable);
    }
    timeval pause{0, 100'000};
    while (::select(highest + 1, &readable, &writable, nullptr,
                    is_accepting ? nullptr : &pause) == -1) {
        if (errno != EINTR) { // a signal: the sets have not changed, so try again
            throw std::system_error(errno, std::generic_category(), "select");
        }
    }
}

// Serves those that can go on.
void serve_clients(Clients& clients, const fd_set& readable, const fd_set& writable) {
    for (auto next = clients.begin(); next != clients.end();) {
        auto current = next++;
        auto& [fd, client] = *current;
        if ((FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable)) && !echo_handler(client)) {
            clients.erase(current);
        }
    }
}

// Waits, serves and accepts, for ever.
void echo_server(Socket listener) {
    if (listener.fd() >= FD_SETSIZE) {
        throw std::runtime_error("select cannot watch so large a descriptor");
    }
    log_listening(listener.address());
    listener.set_blocking(false);
    Clients clients;
    Clock::time_point next_accept;
    fd_set readable;
    fd_set writable;
    while (true) {
        wait(listener, next_accept, clients, readable, writable);
        serve_clients(clients, readable, writable);
        if (FD_ISSET(listener.fd(), &readable)) {
            next_accept = accept_client(listener, clients);
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
