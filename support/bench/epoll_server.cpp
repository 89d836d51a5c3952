// What support/teach bench compares the servers with: the echo server as one would write it on the
// system calls alone, for Linux only, with nothing that is not needed to be fast. No error is
// handled but the loss of a client.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int epoll = -1;
std::vector<std::string> waiting; // by descriptor: what is still to be sent
std::array<char, 16 * 1024> buffer;

void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll, operation, fd, &event);
}

void accept_client(int listener) {
    int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd != -1) {
        waiting.resize(std::max(waiting.size(), static_cast<std::size_t>(fd) + 1));
        watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

void drop(int fd) {
    waiting[static_cast<std::size_t>(fd)].clear();
    ::close(fd);
}

void on_readable(int fd) {
    ssize_t received = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (received <= 0) {
        drop(fd);
        return;
    }
    ssize_t sent = std::max<ssize_t>(
        0, ::send(fd, buffer.data(), static_cast<std::size_t>(received), MSG_NOSIGNAL));
    if (sent < received) {
        waiting[static_cast<std::size_t>(fd)].assign(buffer.data() + sent,
                                                     static_cast<std::size_t>(received - sent));
        watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
    }
}

void on_writable(int fd) {
    std::string& rest = waiting[static_cast<std::size_t>(fd)];
    ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent == -1) {
        drop(fd);
        return;
    }
    rest.erase(0, static_cast<std::size_t>(sent));
    if (rest.empty()) {
        watch(EPOLL_CTL_MOD, fd, EPOLLIN);
    }
}

} // namespace

int main() {
    int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener, SOMAXCONN);
    socklen_t size = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);

    epoll = ::epoll_create1(0);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    std::array<epoll_event, 256> events;
    while (true) {
        int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.fd == listener) {
                accept_client(listener);
            } else if ((event.events & EPOLLOUT) != 0) {
                on_writable(event.data.fd);
            } else {
                on_readable(event.data.fd);
            }
        }
    }
}
