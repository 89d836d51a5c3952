// What the tests of sockets and selectors have in common.
#pragma once

#include "common/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// How long a test waits for what should come, before it fails. Long: a loaded machine is slow.
constexpr auto patience = 20s;

// Waits until poll(2) reports one of `events`, an error or a hang-up. False: it reported none in
// time.
inline bool wait_for(int fd, short events, Clock::duration timeout) {
    auto end = Clock::now() + timeout;
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        pollfd entry{fd, events, 0};
        int result = ::poll(&entry, 1, std::max(0, static_cast<int>(left.count())));
        if (result != -1) {
            return result == 1;
        }
        if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
    }
}

// Two ends of one connection.
struct Connection {
    Connection() : Connection(listen_on("127.0.0.1", 0)) {}
    explicit Connection(Socket listener)
        : client(connect_to("127.0.0.1", port_of(listener))), server(listener.accept()) {}

    static std::uint16_t port_of(const Socket& socket) {
        const std::string& address = socket.address();
        return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }

    Socket client;
    Socket server;
};

// Closes the connection so that the peer gets an error (RST), not the end of the stream.
inline void reset(Socket& socket) {
    linger at_once{1, 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket.close();
}
