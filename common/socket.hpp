// A TCP socket: owns its descriptor, never ignores a short send, never shows EINTR, and reports
// errors as exceptions that name the call and the address. Each operation comes in two forms:
// `recv` waits until it can be done, `try_recv` does what can be done now and never waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/socket.h>

class Socket {
  public:
    // Takes over an open descriptor. `address` is what error messages call this socket.
    Socket(int fd, std::string address) noexcept;
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&& other) noexcept; // closes the descriptor it had
    ~Socket();                                  // closes the descriptor

    int fd() const noexcept { return fd_; }

    // The peer, as in "127.0.0.1:50312" or "[::1]:50312"; of a listening socket,
    // its own address.
    const std::string& address() const noexcept { return address_; }

    // Closes the descriptor now. A second call does nothing.
    void close() noexcept;

    // The blocking forms are for a blocking socket, which a new one is; the `try_` forms are
    // for one after set_blocking(false). All throw std::system_error.
    void set_blocking(bool blocking);

    // Waits for a client. An error that may pass, such as no free descriptor, is logged, and
    // after 100 ms it tries again; see is_broken_listener.
    Socket accept();
    // Waits for data; returns at most `max_bytes` of it (and no more than 16 KiB). Empty means
    // that the peer has sent everything it will ever send (end of stream), so `max_bytes` must
    // not be 0: std::invalid_argument.
    std::string recv(std::size_t max_bytes);
    // Returns when the kernel has taken every byte of `data`.
    void send_all(std::string_view data);
    // Tells the peer that nothing more will come; receiving goes on.
    void shutdown_write();
    // Ends both directions: the peer gets the end of the stream, and so does code that waits to
    // receive here. Never throws: if the peer has gone there is nothing to end.
    void shutdown() noexcept;

    // std::nullopt: it would have had to wait.
    std::optional<Socket> try_accept(); // the new socket is non-blocking
    std::optional<std::string> try_recv(std::size_t max_bytes);
    // The same into memory of the caller: the part of `buffer` that was filled.
    std::optional<std::string_view> try_recv(std::span<char> buffer);
    // The number of bytes the kernel has taken, which may be fewer than `data` has.
    std::optional<std::size_t> try_send(std::string_view data);

    // After start_connect, once the socket is writable: throws if connecting has failed.
    void finish_connect();

  private:
    friend Socket listen_on(const std::string& host, std::uint16_t port);

    int fd_;
    std::string address_;
};

// A listening socket. Port 0 lets the system choose a free one. SO_REUSEADDR: a restarted
// server may listen at once; TCP_NODELAY, which accepted sockets inherit: a small answer is
// sent at once (RFC 1122 section 4.2.3.4, the Nagle algorithm). Throws
// std::system_error or std::runtime_error.
Socket listen_on(const std::string& host, std::uint16_t port);

// Another listener on the port of `first` (SO_REUSEPORT on both): on Linux the kernel deals the
// clients out to all of them, on other systems the last one may get them all. listen_on still
// finds the port in use. Throws std::system_error.
Socket listen_beside(const Socket& first);

// One address a host name stands for, ready for connect(2).
struct Endpoint {
    sockaddr_storage address;
    socklen_t length;
};

// Whether accept has failed because the listening socket itself is no good (EBADF, EINVAL,
// ENOTSOCK): then no other try will help. After any other error, such as no free descriptor
// (EMFILE), the client stays in the queue, and it is worth another try after a while.
bool is_broken_listener(const std::system_error& error);

// What Socket::address() says of a connection: for one that was accepted by other means. Empty if
// the peer has gone already.
std::string peer_address(int fd);

// The addresses of a host name or literal, never empty. Asks a name server where it must, so it
// may block for seconds. Throws std::runtime_error for a host that is not known.
std::vector<Endpoint> resolve(const std::string& host, std::uint16_t port);

// Starts to connect and returns at once, with a non-blocking socket. It becomes writable when
// the attempt has ended; then call finish_connect to learn how. Throws std::system_error.
Socket start_connect(const Endpoint& endpoint);

// Connects and waits until that has succeeded; tries each address of the host in turn. Throws
// std::system_error (of the last address tried) or std::runtime_error (unknown host).
Socket connect_to(const std::string& host, std::uint16_t port);
