// Tests of Socket, and of what makes one.
#include <doctest/doctest.h>

#include "common/socket.hpp"
#include "common/tests/helpers.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

template <typename Call>
std::string error_of(Call call) {
    try {
        call();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("Socket: address() is HOST:PORT as text") {
    Socket listener = listen_on("127.0.0.1", 0);
    CHECK(std::regex_match(listener.address(), std::regex(R"(127\.0\.0\.1:[1-9][0-9]*)")));
    Socket client = connect_to("127.0.0.1", Connection::port_of(listener));
    CHECK(client.address() == listener.address());
    Socket accepted = listener.accept();
    CHECK(accepted.address().starts_with("127.0.0.1:"));
    CHECK(accepted.address() != listener.address());
}

#ifdef __linux__ // elsewhere the last of them may get all clients
TEST_CASE("listen_beside: the listeners share a port and the clients") {
    Socket first = listen_on("127.0.0.1", 0);
    Socket second = listen_beside(first);
    CHECK(second.address() == first.address());
    first.set_blocking(false);
    second.set_blocking(false);
    std::uint16_t port = Connection::port_of(first);
    int of_first = 0;
    int of_second = 0;
    for (int i = 0; i < 64; ++i) { // by chance all the same: 1 in 2 to the power of 63
        Socket client = connect_to("127.0.0.1", port);
        of_first += first.try_accept() ? 1 : 0;
        of_second += second.try_accept() ? 1 : 0;
    }
    CHECK(of_first > 0);
    CHECK(of_second > 0);
    CHECK(of_first + of_second == 64);
    CHECK(contains(error_of([&] { listen_on("127.0.0.1", port); }), "cannot listen on"));
}
#endif

TEST_CASE("Socket: address() puts an IPv6 address into brackets") {
    std::optional<Socket> listener;
    try {
        listener = listen_on("::1", 0);
    } catch (const std::exception&) {
        MESSAGE("skipped: this machine has no IPv6");
        return;
    }
    CHECK(listener->address().starts_with("[::1]:"));
    Socket client = connect_to("::1", Connection::port_of(*listener));
    CHECK(client.address() == listener->address());
    CHECK(listener->accept().address().starts_with("[::1]:"));
}

TEST_CASE("Socket: recv is empty at the end of stream and sending still works") {
    Connection pair;
    pair.client.send_all("last words");
    pair.client.shutdown_write();
    CHECK(pair.server.recv(4) == "last");
    CHECK(pair.server.recv(100) == " words");
    CHECK(pair.server.recv(100) == "");
    CHECK(pair.server.recv(100) == "");
    pair.server.send_all("answer");
    CHECK(pair.client.recv(100) == "answer");
}

TEST_CASE("Socket: shutdown ends both directions, and again does nothing") {
    Connection pair;
    std::thread reader([&] { CHECK(pair.server.recv(1) == ""); }); // it may wait already
    pair.server.shutdown();
    reader.join();
    CHECK(pair.client.recv(1) == "");
    CHECK_THROWS_AS(pair.server.send_all("x"), std::system_error);
    CHECK_NOTHROW(pair.server.shutdown());
    reset(pair.client);
    CHECK_NOTHROW(pair.server.shutdown());
}

TEST_CASE("Socket: recv of no bytes is an error and not the end of the stream") {
    Connection connection;
    connection.client.send_all("x");
    CHECK_THROWS_AS(connection.server.recv(0), std::invalid_argument);
    CHECK_THROWS_AS(connection.server.try_recv(std::size_t{0}), std::invalid_argument);
    CHECK(connection.server.recv(1) == "x");
}

TEST_CASE("Socket: recv returns at most 16 KiB") {
    Connection pair;
    std::thread writer([&] { pair.client.send_all(std::string(100'000, 'x')); });
    std::size_t received = 0;
    while (received < 100'000) {
        std::string data = pair.server.recv(1'000'000);
        CHECK(data.size() <= 16 * 1024);
        REQUIRE(!data.empty());
        received += data.size();
    }
    writer.join();
    CHECK(received == 100'000);
}

TEST_CASE("Socket: the try_ forms do not wait") {
    Socket listener = listen_on("127.0.0.1", 0);
    listener.set_blocking(false);
    CHECK(!listener.try_accept().has_value());
    Socket client = connect_to("127.0.0.1", Connection::port_of(listener));
    REQUIRE(wait_for(listener.fd(), POLLIN, patience));
    std::optional<Socket> server = listener.try_accept();
    REQUIRE(server.has_value());
    CHECK(!listener.try_accept().has_value());

    CHECK(!server->try_recv(100).has_value()); // it is non-blocking from the start
    client.send_all("hello");
    REQUIRE(wait_for(server->fd(), POLLIN, patience));
    CHECK(server->try_recv(100) == "hello");
    CHECK(!server->try_recv(100).has_value());
    std::size_t sent = 0;
    while (std::optional<std::size_t> count = server->try_send(std::string(10'000, 'x'))) {
        sent += *count;
        REQUIRE(sent <
                64 * 1024 * 1024); // the peer does not receive: it has to say so in the end
    }

    client.shutdown_write();
    REQUIRE(wait_for(server->fd(), POLLIN, patience));
    CHECK(server->try_recv(100) == ""); // the end is not "would wait"
}

TEST_CASE("Socket: try_send takes what fits") {
    Connection pair;
    pair.client.set_blocking(false);
    std::string data(64 * 1024 * 1024, 'x');
    std::optional<std::size_t> sent = pair.client.try_send(data);
    REQUIRE(sent.has_value());
    CHECK(*sent > 0);
    CHECK(*sent < data.size());
}

TEST_CASE("Socket: send_all waits for a slow reader") {
    Connection pair;
    std::string data;
    for (int i = 0; data.size() < 8'000'000; ++i) {
        data += std::to_string(i) + " ";
    }
    std::string received;
    std::thread reader([&] {
        while (true) {
            std::string part = pair.server.recv(1000);
            if (part.empty()) {
                break;
            }
            received += part;
        }
    });
    pair.client.send_all(data);
    pair.client.shutdown_write();
    reader.join();
    bool is_same = received == data;
    CHECK(is_same);
}

TEST_CASE("Socket: accept returns a blocking socket even from a non-blocking listener") {
    Socket listener = listen_on("127.0.0.1", 0);
    listener.set_blocking(false);
    Socket client = connect_to("127.0.0.1", Connection::port_of(listener));
    REQUIRE(wait_for(listener.fd(), POLLIN, patience));
    Socket server = listener.accept();
    CHECK((::fcntl(server.fd(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(client.fd(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("Socket: accept of a socket that does not listen is an error at once") {
    Connection connection;
    CHECK_THROWS_AS(connection.server.accept(), std::system_error);
    CHECK_THROWS_AS(connection.server.try_accept(), std::system_error);
}

TEST_CASE("Socket: the errors of accept after which retrying cannot help") {
    auto is_broken = [](int error) {
        return is_broken_listener(std::system_error(error, std::generic_category()));
    };
    CHECK(is_broken(EBADF));
    CHECK(is_broken(EINVAL));
    CHECK(is_broken(ENOTSOCK));
    CHECK_FALSE(is_broken(EPERM));
    CHECK_FALSE(is_broken(EMFILE));
    CHECK_FALSE(is_broken(ENOMEM));
}

TEST_CASE("Socket: programs we start do not inherit descriptors") {
    Connection pair;
    CHECK((::fcntl(pair.client.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(pair.server.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    Socket listener = listen_on("127.0.0.1", 0);
    CHECK((::fcntl(listener.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("Socket: errors name the call and the address") {
    std::optional<Socket> listener = listen_on("127.0.0.1", 0);
    std::string address = listener->address();
    std::uint16_t port = Connection::port_of(*listener);
    CHECK(contains(error_of([&] { listen_on("127.0.0.1", port); }),
                   "cannot listen on " + address + ": "));
    listener.reset(); // now no socket listens there
    std::string error = error_of([&] { connect_to("127.0.0.1", port); });
    CHECK(contains(error, "cannot connect to " + address + ": "));
    CHECK(contains(error, std::generic_category().message(ECONNREFUSED)));
    CHECK(contains(error_of([&] { listen_on("192.0.2.1", 0); }), "192.0.2.1:0"));
    CHECK(contains(error_of([] { connect_to("not a host", 1); }), "not a host"));

    Connection pair;
    std::string peer = pair.server.address();
    reset(pair.client);
    REQUIRE(wait_for(pair.server.fd(), POLLIN, patience));
    error = error_of([&] { pair.server.recv(1); });
    CHECK(contains(error, "recv from " + peer + ": "));
    CHECK(contains(error, std::generic_category().message(ECONNRESET)));
    error = error_of([&] { pair.server.send_all("x"); }); // and no SIGPIPE
    CHECK(contains(error, "send to " + peer + ": "));
    CHECK(contains(error, std::generic_category().message(EPIPE)));
}

TEST_CASE("Socket: finish_connect says whether start_connect has succeeded") {
    std::optional<Socket> listener = listen_on("127.0.0.1", 0);
    std::uint16_t port = Connection::port_of(*listener);
    Socket good = start_connect(resolve("127.0.0.1", port).front());
    REQUIRE(wait_for(good.fd(), POLLOUT, patience));
    CHECK_NOTHROW(good.finish_connect());
    listener.reset();
    std::string error = error_of([&] { // the refusal may come at once or later
        Socket bad = start_connect(resolve("127.0.0.1", port).front());
        REQUIRE(wait_for(bad.fd(), POLLOUT, patience));
        bad.finish_connect();
    });
    CHECK(contains(error, "cannot connect to 127.0.0.1:" + std::to_string(port)));
}

TEST_CASE("Socket: a socket that is connected to itself has reached no server") {
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    Socket socket(fd, "");
    sockaddr_in address{};
    socklen_t length = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd, generic, length) == 0); // the system chooses a port
    REQUIRE(::getsockname(fd, generic, &length) == 0);
    REQUIRE(::connect(fd, generic, length) == 0);
    std::string name = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    CHECK(error_of([&] { Socket(::dup(fd), name).finish_connect(); }) ==
          "cannot connect to " + name + ": Connection refused");
}

TEST_CASE("Socket: connect_to tries each address of a host") {
    Socket listener = listen_on("127.0.0.1", 0); // localhost may also be ::1
    Socket client = connect_to("localhost", Connection::port_of(listener));
    listener.accept().send_all("hello");
    CHECK(client.recv(5) == "hello");
}

TEST_CASE("Socket: resolve takes addresses of both kinds and throws for what is not a host") {
    CHECK(resolve("127.0.0.1", 80).size() == 1);
    CHECK(resolve("127.0.0.1", 80).front().address.ss_family == AF_INET);
    CHECK(resolve("::1", 80).front().address.ss_family == AF_INET6);
    CHECK_THROWS_AS(resolve("not a host", 80), std::runtime_error);
}

TEST_CASE("Socket: a moved socket is closed once, by its last owner") {
    Connection pair;
    int client_fd = pair.client.fd();
    int server_fd = pair.server.fd();
    Socket moved = std::move(pair.client);
    CHECK(moved.fd() == client_fd);
    CHECK(pair.client.fd() ==
          -1);           // NOLINT: what is left of a moved-from socket is the question
    pair.client.close(); // nothing
    CHECK(is_open(client_fd));
    {
        Socket other = std::move(pair.server);
        other = std::move(moved);
        CHECK(other.fd() == client_fd);
    }
    CHECK(!is_open(client_fd));
    moved.close(); // whichever descriptor it got in exchange
    CHECK(!is_open(server_fd));

    Connection again;
    int fd = again.client.fd();
    again.client.close();
    CHECK(again.client.fd() == -1);
    CHECK(!is_open(fd));
    again.client.close();
    CHECK(again.server.recv(1) == "");
}
