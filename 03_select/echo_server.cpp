// Stage 03: one thread and select. select tells which sockets would not make us wait; what the
// server must remember of a client in the meantime is no longer a local variable.
#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <iostream>
#include <list>
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

// Serves one client as far as that goes without waiting. Returns false when it is to be closed.
bool echo_handler(Client& client) {
    try {
        if (!client.outgoing.empty() || on_readable(client)) {
            on_writable(client);
            return true;
        }
    } catch (const std::exception& error) {
        log_line(client.socket.address(), error.what());
    }
    return false;
}

// Accepts one client, if there is one. Returns false if there is no room for another.
bool accept_client(Socket& listener, std::list<Client>& clients) {
    try {
        if (std::optional<Socket> socket = listener.try_accept()) {
            if (socket->fd() < FD_SETSIZE) {
                log_line(socket->address(), "connected");
                clients.push_back({std::move(*socket), ""});
            } else { // FD_SET would write outside of the set
                log_line(socket->address(), "refused: too many for select");
            }
        }
        return true;
    } catch (const std::system_error& error) {
        if (is_broken_listener(error)) {
            throw;
        }
        log_line(listener.address(), error.what());
        return false;
    }
}

struct Ready {
    fd_set readable, writable;
};

// Waits until a client can go on, or is there to be accepted: not before `next_accept`.
Ready wait(const Socket& listener, Clock::time_point next_accept,
           const std::list<Client>& clients) {
    Ready ready;
    FD_ZERO(&ready.readable);
    FD_ZERO(&ready.writable);
    int highest = listener.fd();
    for (const Client& client : clients) {
        int fd = client.socket.fd();
        FD_SET(fd, client.outgoing.empty() ? &ready.readable : &ready.writable);
        highest = std::max(highest, fd);
    }
    bool is_accepting = Clock::now() >= next_accept;
    if (is_accepting) {
        FD_SET(listener.fd(), &ready.readable);
    }
    timeval pause{0, 100'000};
    while (::select(highest + 1, &ready.readable, &ready.writable, nullptr,
                    is_accepting ? nullptr : &pause) == -1) {
        if (errno != EINTR) { // a signal: the sets have not changed, so try again
            throw std::system_error(errno, std::generic_category(), "select");
        }
    }
    return ready;
}

// Serves the clients that can go on, and closes those that have ended.
void serve_clients(std::list<Client>& clients, const Ready& ready) {
    clients.remove_if([&ready](Client& client) {
        int fd = client.socket.fd();
        bool can_go_on = FD_ISSET(fd, &ready.readable) || FD_ISSET(fd, &ready.writable);
        return can_go_on && !echo_handler(client);
    });
}

// Waits, serves and accepts, until the process is stopped.
void echo_server(Socket listener) {
    if (listener.fd() >= FD_SETSIZE) {
        throw std::runtime_error("select cannot watch so large a descriptor");
    }
    log_listening(listener.address());
    listener.set_blocking(false);
    std::list<Client> clients;
    Clock::time_point next_accept;
    while (true) {
        Ready ready = wait(listener, next_accept, clients);
        serve_clients(clients, ready);
        if (FD_ISSET(listener.fd(), &ready.readable) && !accept_client(listener, clients)) {
            // No free descriptor, say. The client stays in the queue and the listener readable:
            // without a pause select would return at once, again and again.
            next_accept = Clock::now() + 100ms;
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
