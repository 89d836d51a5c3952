#include "common/socket.hpp"

#include "common/log.hpp"
#include "common/trace.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

#ifdef MSG_NOSIGNAL
constexpr int SEND_FLAGS = MSG_NOSIGNAL; // a lost peer is an error (EPIPE), not a signal
#else
constexpr int SEND_FLAGS = 0; // macOS: SO_NOSIGPIPE on the socket instead, see set_up
#endif

constexpr std::size_t LARGEST_RECV = 16 * 1024;

[[noreturn]] void throw_errno(const char* what, const std::string& address = "") {
    int error = errno; // making the text may change it
    throw std::system_error(error, std::generic_category(), what + address);
}

// Repeats a system call that a signal has interrupted.
template <typename Call>
auto retry_on_eintr(Call call) {
    while (true) {
        auto result = call();
        if (result != -1 || errno != EINTR) {
            return result;
        }
    }
}

bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

// accept(2): the connection was lost while it waited in the queue. The next one may be fine.
bool is_lost_connection(int error) {
    switch (error) {
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

bool is_broken_listener_errno(int error) {
    return error == EBADF || error == EINVAL || error == ENOTSOCK;
}

void set_option(int fd, int level, int option) {
    int on = 1;
    if (::setsockopt(fd, level, option, &on, sizeof on) == -1) {
        throw_errno("setsockopt");
    }
}

// What Linux does in the call that creates a socket and other systems need calls of their own
// for. False: it cannot be done, because the peer has gone already (macOS).
bool set_up([[maybe_unused]] int fd) {
#ifndef __linux__
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
#ifdef SO_NOSIGPIPE
    int on = 1;
    return ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0;
#else
    return true;
#endif
}

const sockaddr* as_sockaddr(const sockaddr_storage& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

std::string to_text(const sockaddr* address, socklen_t length) {
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (::getnameinfo(address, length, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return "unknown address";
    }
    std::string text = host;
    if (address->sa_family == AF_INET6) {
        text.insert(text.begin(), '[');
        text.push_back(']');
    }
    return text + ":" + port;
}

Endpoint own_endpoint(int fd) {
    Endpoint own{{}, sizeof own.address};
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own.address), &own.length) == -1) {
        throw_errno("getsockname");
    }
    return own;
}

std::string own_address(int fd) {
    Endpoint own = own_endpoint(fd);
    return to_text(as_sockaddr(own.address), own.length);
}

// A new TCP socket of the address family of `address`.
Socket new_socket(const sockaddr* address, socklen_t length) {
#ifdef SOCK_CLOEXEC
    int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
#else
    int fd = ::socket(address->sa_family, SOCK_STREAM, 0);
#endif
    if (fd == -1) {
        throw_errno("socket");
    }
    Socket socket(fd, to_text(address, length));
    set_up(fd);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    return socket;
}

std::vector<Endpoint> resolve(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (error != 0) {
        throw std::runtime_error("unknown host " + host + ": " + ::gai_strerror(error));
    }
    std::vector<Endpoint> endpoints;
    for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
        Endpoint endpoint{};
        std::memcpy(&endpoint.address, info->ai_addr, info->ai_addrlen);
        endpoint.length = info->ai_addrlen;
        endpoints.push_back(endpoint);
    }
    ::freeaddrinfo(list);
    return endpoints;
}

int accept_fd(int listener, sockaddr_storage& address, socklen_t& length, bool blocking) {
    auto* addr = reinterpret_cast<sockaddr*>(&address);
#ifdef __linux__
    int flags = SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK);
    return ::accept4(listener, addr, &length, flags);
#else
    int fd = ::accept(listener, addr, &length);
    if (fd == -1) {
        return -1;
    }
    if (!set_up(fd)) { // a send to it would be a signal
        ::close(fd);
        errno = ECONNABORTED;
        return -1;
    }
    // Unlike on Linux, O_NONBLOCK is inherited: set it either way.
    ::fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK);
    return fd;
#endif
}

// One call of accept. Returns std::nullopt with errno set where there was no
// connection to take.
std::optional<Socket> accept_one(int listener, bool blocking) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    int fd = retry_on_eintr([&] {
        length = sizeof address;
        return accept_fd(listener, address, length, blocking);
    });
    if (fd == -1) {
        return std::nullopt;
    }
    Socket client(fd, to_text(as_sockaddr(address), length));
    trace_connection(fd, client.address());
    return client;
}

} // namespace

bool is_broken_listener(const std::system_error& error) {
    return is_broken_listener_errno(error.code().value());
}

Socket::Socket(int fd, std::string address) noexcept : fd_(fd), address_(std::move(address)) {}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
        address_ = std::move(other.address_);
    }
    return *this;
}

Socket::~Socket() {
    close();
}

void Socket::close() noexcept {
    if (fd_ != -1) {
        trace_close(fd_);
        ::close(std::exchange(fd_, -1)); // never repeated: after EINTR the number may be reused
    }
}

void Socket::set_blocking(bool blocking) {
    int flags = ::fcntl(fd_, F_GETFL);
    if (flags == -1 ||
        ::fcntl(fd_, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == -1) {
        throw_errno("fcntl on ", address_);
    }
}

Socket Socket::accept() {
    TraceSpan span("accept", fd_);
    while (true) {
        if (std::optional<Socket> client = accept_one(fd_, true)) {
            return std::move(*client);
        }
        int error = errno;
        if (is_lost_connection(error)) {
            continue;
        }
        if (is_broken_listener_errno(error) || would_block(error)) {
            throw_errno("accept on ", address_);
        }
        log_line(address_, std::system_error(error, std::generic_category(), "accept").what());
        // The client stays in the queue, so accept would fail again at once.
        std::this_thread::sleep_for(100ms);
    }
}

std::optional<Socket> Socket::try_accept() {
    std::optional<Socket> client = accept_one(fd_, false);
    if (!client && !would_block(errno) && !is_lost_connection(errno)) {
        throw_errno("accept on ", address_);
    }
    return client;
}

std::string Socket::recv(std::size_t max_bytes) {
    TraceSpan span("recv", fd_);
    std::optional<std::string> data = try_recv(max_bytes); // on a blocking socket this waits
    if (!data) {
        throw_errno("recv from ", address_);
    }
    return std::move(*data);
}

std::optional<std::string> Socket::try_recv(std::size_t max_bytes) {
    char buffer[LARGEST_RECV]; // on the stack and not filled: what is not used costs nothing
    std::optional<std::string_view> data =
        try_recv(std::span(buffer, std::min(max_bytes, sizeof buffer)));
    return data ? std::optional<std::string>(*data) : std::nullopt;
}

std::optional<std::string_view> Socket::try_recv(std::span<char> buffer) {
    if (buffer.empty()) {
        throw std::invalid_argument("recv of no bytes would look like the end of the stream");
    }
    ssize_t count =
        retry_on_eintr([&] { return ::recv(fd_, buffer.data(), buffer.size(), 0); });
    if (count == -1) {
        if (would_block(errno)) {
            return std::nullopt;
        }
        throw_errno("recv from ", address_);
    }
    trace_received(fd_, static_cast<std::size_t>(count));
    return std::string_view(buffer.data(), static_cast<std::size_t>(count));
}

void Socket::send_all(std::string_view data) {
    TraceSpan span("send", fd_);
    while (!data.empty()) {
        std::optional<std::size_t> sent = try_send(data); // on a blocking socket this waits
        if (!sent) {
            throw_errno("send to ", address_);
        }
        data.remove_prefix(*sent);
    }
}

std::optional<std::size_t> Socket::try_send(std::string_view data) {
    ssize_t count =
        retry_on_eintr([&] { return ::send(fd_, data.data(), data.size(), SEND_FLAGS); });
    if (count == -1) {
        if (would_block(errno)) {
            trace_sent(fd_, 0, data.size());
            return std::nullopt;
        }
        throw_errno("send to ", address_);
    }
    trace_sent(fd_, static_cast<std::size_t>(count), data.size());
    return static_cast<std::size_t>(count);
}

void Socket::shutdown_write() {
    if (::shutdown(fd_, SHUT_WR) == -1) {
        throw_errno("shutdown of ", address_);
    }
}

void Socket::shutdown() noexcept {
    ::shutdown(fd_, SHUT_RDWR);
}

void Socket::finish_connect() {
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) == -1) {
        error = errno;
    }
    if (error == 0 && own_address(fd_) == address_) {
        // To a port of this machine on which no server listens, and which the system has chosen
        // for our end: then TCP connects the socket to itself (RFC 9293, simultaneous open).
        error = ECONNREFUSED;
    }
    if (error != 0) {
        throw std::system_error(error, std::generic_category(),
                                "cannot connect to " + address_);
    }
}

std::string peer_address(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    bool has_peer = ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    return has_peer ? to_text(as_sockaddr(address), length) : "";
}

Socket listen_on(const std::string& host, std::uint16_t port) {
    Endpoint endpoint = resolve(host, port, AI_PASSIVE).front();
    const sockaddr* address = as_sockaddr(endpoint.address);
    Socket listener = new_socket(address, endpoint.length);
    set_option(listener.fd(), SOL_SOCKET, SO_REUSEADDR);
    if (::bind(listener.fd(), address, endpoint.length) == -1 ||
        ::listen(listener.fd(), SOMAXCONN) == -1) {
        throw_errno("cannot listen on ", listener.address());
    }
    listener.address_ = own_address(listener.fd()); // with the port the system has chosen
    trace_listener(listener.fd());
    return listener;
}

Socket listen_beside(const Socket& first) {
    // Not before it was bound: with the option, bind would share the port with other programs.
    set_option(first.fd(), SOL_SOCKET, SO_REUSEPORT);
    Endpoint endpoint = own_endpoint(first.fd());
    const sockaddr* address = as_sockaddr(endpoint.address);
    Socket listener = new_socket(address, endpoint.length);
    set_option(listener.fd(), SOL_SOCKET, SO_REUSEADDR);
    set_option(listener.fd(), SOL_SOCKET, SO_REUSEPORT);
    if (::bind(listener.fd(), address, endpoint.length) == -1 ||
        ::listen(listener.fd(), SOMAXCONN) == -1) {
        throw_errno("cannot listen on ", listener.address());
    }
    trace_listener(listener.fd());
    return listener;
}

std::vector<Endpoint> resolve(const std::string& host, std::uint16_t port) {
    return resolve(host, port, 0);
}

Socket start_connect(const Endpoint& endpoint) {
    const sockaddr* address = as_sockaddr(endpoint.address);
    Socket socket = new_socket(address, endpoint.length);
    socket.set_blocking(false);
    // EINTR: the attempt goes on in the background, exactly as with EINPROGRESS (connect(2)).
    if (::connect(socket.fd(), address, endpoint.length) == -1 && errno != EINPROGRESS &&
        errno != EINTR) {
        throw_errno("cannot connect to ", socket.address());
    }
    return socket;
}

Socket connect_to(const std::string& host, std::uint16_t port) {
    std::exception_ptr error;
    for (const Endpoint& endpoint : resolve(host, port)) {
        try {
            Socket socket = start_connect(endpoint);
            pollfd writable{socket.fd(), POLLOUT, 0};
            retry_on_eintr([&] { return ::poll(&writable, 1, -1); });
            socket.finish_connect();
            socket.set_blocking(true);
            return socket;
        } catch (const std::system_error&) {
            error = std::current_exception();
        }
    }
    std::rethrow_exception(error);
}
