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
#include <system_error>
#include <utility>

#include <sys/select.h>

struct Client {
    Socket socket;
    std::string outgoing; // received but not sent back yet; until it is, we do not receive more
};

// Sends as much as the kernel takes now.
bool on_writable(Client& client) {
    std::size_t sent = client.socket.try_send(client.outgoing).value_or(0);
    client.outgoing.erase(0, sent);
    return true;
}

// Receives what is there now. Returns false when the client has sent everything.
bool on_readable(Client& client) {
    std::optional<std::string> data = client.socket.try_recv(4096);
    if (!data) {
        return true; // nothing there after all: select(2), BUGS
    }
    if (data->empty()) {
        log_line(client.socket.address(), "disconnected");
        return false;
    }
    client.outgoing = std::move(*data);
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

// Accepts one client, unless its descriptor is too large for an fd_set: FD_SET would write
// beyond the end of the set. Such a client is closed again.
void accept_client(Socket& listener, std::map<int, Client>& clients) {
    if (std::optional<Socket> socket = listener.try_accept()) {
        int fd = socket->fd();
        bool has_room = fd < FD_SETSIZE;
        log_line(socket->address(), has_room ? "connected" : "refused: too many for select");
        if (has_room) {
            clients.emplace(fd, Client{std::move(*socket), ""});
        }
    }
}

// Accepts clients and serves those that are ready, for ever.
void echo_server(Socket listener) {
    if (listener.fd() >= FD_SETSIZE) {
        throw std::runtime_error("select cannot watch so large a descriptor");
    }
    log_listening(listener.address());
    listener.set_blocking(false);
    std::map<int, Client> clients; // by descriptor
    auto next_accept = std::chrono::steady_clock::now();
    while (true) {
        fd_set readable;
        fd_set writable;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        int highest = listener.fd();
        for (const auto& [fd, client] : clients) {
            FD_SET(fd, client.outgoing.empty() ? &readable : &writable);
            highest = std::max(highest, fd);
        }
        bool is_accepting = std::chrono::steady_clock::now() >= next_accept;
        if (is_accepting) {
            FD_SET(listener.fd(), &readable);
        }
        timeval pause{0, 100'000};
        if (::select(highest + 1, &readable, &writable, nullptr,
                     is_accepting ? nullptr : &pause) == -1) {
            if (errno == EINTR) {
                continue;
            }
            throw std::system_error(errno, std::generic_category(), "select");
        }
        for (auto next = clients.begin(); next != clients.end();) {
            auto current = next++;
            auto& [fd, client] = *current;
            if ((FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable)) && !echo_handler(client)) {
                clients.erase(current);
            }
        }
        if (FD_ISSET(listener.fd(), &readable)) {
            try {
                accept_client(listener, clients);
            } catch (const std::system_error& error) {
                // No free descriptor. The client stays in the queue and the listener readable:
                // without a pause select would return at once, again and again.
                log_line(listener.address(), error.what());
                next_accept = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
            }
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
