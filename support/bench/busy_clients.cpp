#include "busy_clients.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

BusyClients::BusyClients(std::uint16_t port, std::size_t clients, std::size_t bytes)
    : message_(bytes, 'x'), missing_(clients, 0) {
    for (std::size_t i = 0; i < clients; ++i) {
        sockets_.push_back(connect_to("127.0.0.1", port));
        waiting_.push_back({sockets_.back().fd(), POLLIN, 0});
    }
    talk(std::chrono::milliseconds(0));
}

std::size_t BusyClients::talk(std::chrono::milliseconds duration) {
    auto end = std::chrono::steady_clock::now() + duration;
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
        send(i);
    }
    std::size_t round_trips = 0;
    for (std::size_t talking = sockets_.size(); talking > 0;) {
        if (::poll(waiting_.data(), waiting_.size(), -1) == -1 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
        bool is_over = std::chrono::steady_clock::now() >= end;
        for (std::size_t i = 0; i < sockets_.size(); ++i) {
            if (waiting_[i].revents == 0) {
                continue;
            }
            std::size_t received = sockets_[i].recv(missing_[i]).size();
            if (received == 0) {
                throw std::runtime_error("the server has closed a connection");
            }
            missing_[i] -= received;
            if (missing_[i] > 0) {
                continue;
            }
            ++round_trips;
            if (is_over) {
                --talking;
            } else {
                send(i);
            }
        }
    }
    return round_trips;
}

void BusyClients::send(std::size_t client) {
    sockets_[client].send_all(message_);
    missing_[client] = message_.size();
}
