// What a client sees of an echo server (RFC 862), whichever stage it is: this program starts a
// server and talks to it over real sockets. The test suites say which stages a test is for.
//
//     wire_tests --server=build/03_select/echo_server [--server-arg=ARG]...
//     [--server-env=NAME=VALUE]... [--patience=SECONDS]
//
// and the options of doctest: --test-suite=NAME, --test-case=NAME, --help. With --verdict=MODEL
// it tells in words which guarantees a server keeps: see verdict.hpp, and ./tutorial check.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "common/selector.hpp"
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"
#include "support/testing/verdict.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t MEGABYTE = 1024 * 1024;

std::string server_program;                      // --server
std::vector<std::string> server_extra_arguments; // --server-arg
bool is_verdict = false;                         // --verdict: a server that is not ours

ServerSetup setup_with(std::vector<std::string> arguments) {
    ServerSetup setup;
    setup.arguments = std::move(arguments);
    setup.arguments.insert(setup.arguments.begin(), server_extra_arguments.begin(),
                           server_extra_arguments.end());
    return setup;
}

std::vector<std::string> ANY_PORT = {"--port", "0", "--quiet"}; // --verdict: no --quiet

// The server under test, on a free port.
struct Server : ServerProcess {
    Server() : Server(ANY_PORT) {}
    explicit Server(std::vector<std::string> arguments)
        : Server(setup_with(std::move(arguments))) {}
    explicit Server(const ServerSetup& setup) : ServerProcess(server_program, setup) {}
    Server(Server&&) = default;
    Server& operator=(Server&&) = default;
    ~Server() { tell_if_ended(pid()); }
};

// Bytes without a pattern: what is lost, doubled or out of order cannot look right.
std::string random_bytes(std::size_t size, std::uint64_t seed = 1) {
    std::string bytes;
    bytes.reserve(size + 8);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    while (bytes.size() < size) { // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.append(reinterpret_cast<const char*>(&state), sizeof state);
    }
    bytes.resize(size);
    return bytes;
}

// As in "84 ('T')".
std::string name_of(char byte) {
    auto value = static_cast<unsigned char>(byte);
    bool is_readable = value > 32 && value < 127;
    return std::to_string(value) + (is_readable ? std::string(" ('") + byte + "')" : "");
}

// In words, where what was received is not what was expected.
std::string difference(std::string_view received, std::string_view expected) {
    auto [wrong, right] =
        std::mismatch(received.begin(), received.end(), expected.begin(), expected.end());
    std::string place = "byte " + std::to_string(right - expected.begin() + 1) + " of " +
                        std::to_string(expected.size());
    if (right == expected.end()) {
        return "more came back than the " + std::to_string(expected.size()) + " bytes sent";
    }
    if (wrong == received.end()) {
        return place + " is missing: " + name_of(*right);
    }
    return place + " is " + name_of(*wrong) + ", and should be " + name_of(*right);
}

// For a server that sends no more: what it stumbles over, if that can be told.
std::string hint(std::string_view received, std::string_view sent) {
    if (sent.size() <= received.size()) { // it receives what was sent before
        return "";
    }
    if (sent.starts_with(received)) {
        bool is_zero = sent[received.size()] == '\0';
        return is_zero ? "; the first byte that is missing is the zero byte" : "";
    }
    return "; " + difference(received, sent);
}

// Not CHECK(a == b), which would print both.
void check_same(std::string_view received, std::string_view expected) {
    bool is_same = received == expected;
    CHECK_MESSAGE(is_same, difference(received, expected));
}

class Client {
  public:
    explicit Client(const ServerProcess& server, const std::string& host = "127.0.0.1")
        : socket_(start_connect(resolve(host, server.port()).front())) {
        // Without this limit a full queue of connections would let us wait for minutes.
        bool is_connected = wait_for(socket_.fd(), POLLOUT, patience);
        REQUIRE_MESSAGE(is_connected, "a client could not connect in time");
        socket_.finish_connect();
    }

    // Sends `outgoing` and receives `size` bytes, both at once: a server need not receive while
    // we do not.
    std::string exchange(std::string_view outgoing, std::size_t size) {
        const std::string_view sent = outgoing;
        std::string received;
        while (!outgoing.empty() || received.size() < size) {
            unsigned events = (outgoing.empty() ? 0u : unsigned(POLLOUT)) |
                              (received.size() < size ? unsigned(POLLIN) : 0u);
            bool is_ready = wait_for(socket_.fd(), static_cast<short>(events), patience);
            REQUIRE_MESSAGE(is_ready, "nothing comes any more: ", received.size(), " of ", size,
                            " bytes received, ", outgoing.size(), " not sent yet",
                            hint(received, sent));
            if (!outgoing.empty()) {
                outgoing.remove_prefix(socket_.try_send(outgoing).value_or(0));
            }
            if (received.size() < size) {
                if (auto data = socket_.try_recv(size - received.size())) {
                    REQUIRE_MESSAGE(!data->empty(), "end of stream after ", received.size(),
                                    " of ", size, " bytes");
                    received += *data;
                }
            }
        }
        return received;
    }

    void send(std::string_view data) { exchange(data, 0); }
    std::string receive(std::size_t size) { return exchange("", size); }

    // Sends and checks what comes back.
    void echo(std::string_view data) { check_same(exchange(data, data.size()), data); }

    // Sends without receiving until the kernel's buffers are full and stay full. Returns how
    // much was sent.
    std::size_t send_until_stuck(std::string_view data) {
        std::size_t sent = 0;
        while (sent < data.size() && wait_for(socket_.fd(), POLLOUT, 300ms)) {
            sent += socket_.try_send(data.substr(sent)).value_or(0);
        }
        return sent;
    }

    // Nothing comes; `if_data` says what it means if bytes do.
    void check_silent(std::chrono::milliseconds duration, const std::string& if_data) {
        bool is_silent = !wait_for(socket_.fd(), POLLIN, duration);
        bool is_closed = !is_silent && socket_.try_recv(1) == "";
        std::string what = is_closed ? "the server has closed the connection" : if_data;
        REQUIRE_MESSAGE(is_silent, what);
    }

    // The server has sent all it will ever send, and nothing is left of it.
    void check_end() {
        REQUIRE_MESSAGE(wait_for(socket_.fd(), POLLIN, patience), "no end of stream");
        std::optional<std::string> data = socket_.try_recv(1);
        REQUIRE_MESSAGE(data.has_value(), "no end of stream");
        CHECK_MESSAGE(data->empty(), "data instead of the end of stream");
    }

    // Sends a byte. False: the server has closed the connection instead of sending it back.
    bool is_served() {
        try {
            socket_.try_send("x");
            REQUIRE_MESSAGE(wait_for(socket_.fd(), POLLIN, patience),
                            "neither served nor refused");
            return socket_.try_recv(1) == "x";
        } catch (const std::system_error&) { // EPIPE, ECONNRESET
            return false;
        }
    }

    void half_close() { socket_.shutdown_write(); }
    void close() { socket_.close(); }

    // Closes with RST instead of FIN: the server gets ECONNRESET.
    void reset() {
        linger at_once{1, 0};
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.close();
    }

    void set_receive_buffer(int size) {
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }

    std::string own_port() const {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        ::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &length);
        // sin_port and sin6_port are at the same place
        const auto* bytes = reinterpret_cast<const unsigned char*>(&address);
        return std::to_string(bytes[2] * 256 + bytes[3]);
    }

  private:
    Socket socket_;
};

const std::string SERVED = "a client was served without a free descriptor";

void check_serves_another(const ServerProcess& server) {
    Client client(server);
    client.echo("is anybody there?");
    client.half_close();
    client.check_end();
}

// Descriptors we may open: main has raised the limit as far as it goes.
std::size_t descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<std::size_t>(limit.rlim_cur);
}

// All at once, each with bytes of its own.
void check_many_clients(std::size_t count) {
    Server server;
    std::vector<Client> clients;
    for (std::size_t i = 0; i < count; ++i) {
        clients.emplace_back(server);
        if (i % 500 == 0) { // lets the server keep up: its queue of new clients is finite
            clients.back().echo("hello");
        }
        clients.back().send(std::to_string(i));
    }
    for (std::size_t i = 0; i < count; ++i) {
        std::string expected = std::to_string(i);
        check_same(clients[i].receive(expected.size()), expected);
    }
    for (std::size_t i = count; i-- > 0;) { // every one of them is still served
        std::string message = "again " + std::to_string(i);
        clients[i].echo(message);
    }
    for (Client& client : clients) {
        client.reset(); // unlike close, this frees the port number at once
    }
    check_serves_another(server);
}

// With select(2), clients whose descriptor does not fit into an fd_set are refused.
void check_select_limit(const std::vector<std::string>& arguments) {
    const std::size_t count = FD_SETSIZE + 100;
    if (descriptor_limit() < count + 50) {
        MESSAGE("skipped: we may not open enough descriptors");
        return;
    }
    Server server(arguments);
    std::vector<Client> served;
    std::vector<Client> refused;
    for (std::size_t i = 0; i < count; ++i) {
        Client client(server);
        (client.is_served() ? served : refused).push_back(std::move(client));
    }
    CHECK(served.size() >= 1000);
    CHECK(served.size() < FD_SETSIZE);
    CHECK(refused.size() >= 100);
    for (Client& client : served) {
        client.echo("still served");
    }
    for (int i = 0; i < 100; ++i) {
        served.back().half_close();
        served.back().check_end(); // now the server has closed it
        served.pop_back();
    }
    check_serves_another(server);
    served.front().echo("still served");
}

std::string describe(const Ending& ending) {
    return ending.signal == 0 ? "status " + std::to_string(ending.status)
                              : "signal " + std::to_string(ending.signal);
}

void check_status_0(const Ending& ending) {
    bool is_0 = ending.signal == 0 && ending.status == 0;
    CHECK_MESSAGE(is_0, "it ended with ", describe(ending));
}

// The first line is the message; what follows a wrong argument is the usage.
void check_refusal(const std::vector<std::string>& arguments, int status) {
    ServerSetup setup = setup_with(arguments);
    Finished run = run_program(server_program, setup.arguments);
    std::string with = "with";
    for (const std::string& argument : arguments) {
        with += " '" + argument + "'";
    }
    INFO("standard error: ", run.errors);
    bool is_refused = run.ending.signal == 0 && run.ending.status == status;
    CHECK_MESSAGE(is_refused, with, " it ended with ", describe(run.ending),
                  ", and should with status ", status);
    CHECK_MESSAGE(run.output.empty(), with, " it prints something on standard output");
    bool is_named = is_verdict || run.errors.starts_with("echo_server: ");
    CHECK_MESSAGE(is_named, with, " its message does not begin with its name");
    std::size_t end_of_line = run.errors.find('\n');
    REQUIRE_MESSAGE(end_of_line != std::string::npos, with,
                    " it prints no line on standard error");
    std::string rest = run.errors.substr(end_of_line + 1);
    if (status == 2) {
        CHECK_MESSAGE(rest.starts_with("usage: "), with,
                      " the second line on standard error does not begin with 'usage: '");
    } else {
        CHECK_MESSAGE(rest.empty(), with, " it prints more than one line on standard error");
    }
    bool is_caught = run.errors.find("terminate") == std::string::npos;
    CHECK_MESSAGE(is_caught, with, " it ends by an exception that is not caught");
}

// Ends a server that has clients in every state. Returns how it ended; a new one must be able
// to listen on the same port at once.
Ending end_with_clients(int signal) {
    std::optional<Server> server;
    server.emplace();
    Client in_use(*server);
    in_use.echo("hello");
    Client silent(*server);
    Client half_closed(*server);
    half_closed.send("hello");
    half_closed.half_close();
    in_use.send_until_stuck(random_bytes(64 * MEGABYTE)); // output waits, too

    std::string port = std::to_string(server->port());
    server->signal(signal);
    Ending ending = server->wait();

    std::vector<std::string> same_port = ANY_PORT;
    same_port[1] = port;
    server.emplace(same_port);
    check_serves_another(*server);
    return ending;
}

bool has_ipv6_loopback() {
    try {
        listen_on("::1", 0);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

} // namespace

// ---- every server ---------------------------------------------------------------------------

TEST_SUITE_BEGIN("every server");

TEST_CASE("every byte value comes back") {
    Server server;
    Client client(server);
    std::string all;
    for (int value = 0; value < 256; ++value) {
        all += static_cast<char>(value);
    }
    client.echo(all);
    client.echo(std::string(10'000, '\0'));
    client.echo("abc\r\n\r\n");
    client.echo(std::string("\0a\0b\0", 5));
}

TEST_CASE("bytes that come one at a time come back") {
    Server server;
    Client client(server);
    for (char byte : random_bytes(500)) {
        client.echo(std::string(1, byte));
    }
}

TEST_CASE("all lengths from 1 byte to 64 MB come back") {
    Server server;
    Client client(server);
    for (std::size_t size : {1ul, 2ul, 4095ul, 4096ul, 4097ul, 65536ul, 1'000'003ul}) {
        client.echo(random_bytes(size, size));
    }
    client.echo(random_bytes(64 * MEGABYTE));
    client.half_close();
    client.check_end();
}

TEST_CASE("messages that are sent without waiting for the echo come back") {
    Server server;
    Client client(server);
    std::string sent;
    for (std::size_t i = 0; i < 1000; ++i) { // 60 KB: more than one recv, less than the buffers
        std::string message = random_bytes(i % 120, i);
        client.send(message);
        sent += message;
    }
    check_same(client.receive(sent.size()), sent);
}

TEST_CASE("after a half-close everything comes back and then the end of stream") {
    Server server;
    Client client(server);
    client.half_close(); // of a client that has nothing to say
    client.check_end();
    for (std::size_t size : {1ul, 5000ul, 100'000ul}) {
        Client next(server);
        std::string data = random_bytes(size);
        next.send(data);
        next.half_close();
        check_same(next.receive(size), data);
        next.check_end();
    }
}

TEST_CASE("a half-close while megabytes wait to be sent back loses nothing") {
    Server server;
    Client client(server);
    std::string data = random_bytes(64 * MEGABYTE);
    std::size_t sent = client.send_until_stuck(data); // now all buffers on the way are full
    CHECK_MESSAGE(sent > MEGABYTE, "the server takes less than 1 MB before it has to wait");
    client.half_close();
    check_same(client.receive(sent), data.substr(0, sent));
    client.check_end();
    check_serves_another(server);
}

TEST_CASE("a client that does not read must wait and loses nothing") {
    Server server;
    Client client(server);
    client.set_receive_buffer(64 * 1024);
    client.echo(random_bytes(100'000)); // the server has all the memory it needs for a client
    std::size_t memory_before = server.memory_bytes();
    std::string data = random_bytes(64 * MEGABYTE);
    std::size_t sent = client.send_until_stuck(data);
    CHECK_MESSAGE(sent < data.size(), "the server takes everything though nothing is read: it "
                                      "keeps it in its memory, or has lost it");
    CHECK_MESSAGE(server.memory_bytes() < memory_before + MEGABYTE + MEMORY_SLACK,
                  "the server's memory grows by more than 1 MB");
    check_same(client.receive(sent), data.substr(0, sent));
    client.echo("and goes on as if nothing had been");
}

TEST_CASE("a client that resets the connection harms no other") {
    Server server;
    std::string data = random_bytes(64 * MEGABYTE);

    Client idle(server);
    idle.echo("hello");
    idle.reset();
    check_serves_another(server);

    Client before_the_first_byte(server);
    before_the_first_byte.reset();
    check_serves_another(server);

    Client amid_data(server);
    amid_data.send(data.substr(0, 100'000));
    amid_data.receive(50'000);
    amid_data.reset();
    check_serves_another(server);

    Client with_output_waiting(server);
    with_output_waiting.send_until_stuck(data);
    with_output_waiting.reset();
    check_serves_another(server);

    Client half_closed(server);
    half_closed.send_until_stuck(data);
    half_closed.half_close();
    half_closed.reset();
    check_serves_another(server);
}

TEST_CASE("a client that leaves without its echo harms no other") {
    // It has sent FIN, so its server may go on to send; its kernel answers with RST, and what
    // the server sends after that is the case for SIGPIPE.
    Server server;
    for (std::size_t i = 1; i <= 30; ++i) {
        Client client(server);
        client.send(random_bytes(i * 5000));
        client.close();
    }
    check_serves_another(server);
}

TEST_CASE("clients that connect and vanish harm no other") {
    Server server;
    for (int i = 0; i < 200; ++i) {
        Client(server).close();
        Client(server).reset();
    }
    check_serves_another(server);
}

TEST_CASE("a client that has gone leaves no descriptor behind") {
    ServerSetup setup = setup_with(ANY_PORT);
    setup.max_fds = 24;
    Server server(setup);
    for (int i = 0; i < 50; ++i) {
        check_serves_another(server);
        Client client(server);
        client.echo("hello");
        client.reset();
    }
}

TEST_CASE("SIGSTOP and SIGCONT lose nothing") {
    const std::string UNSENT = "something came that was never sent";
    Server server;
    Client client(server);
    for (int i = 0; i < 5; ++i) {
        client.check_silent(30ms, UNSENT); // then it waits: its call is interrupted
        server.stop();
        client.send("hello");
        server.resume();
        check_same(client.receive(5), "hello");
        client.check_silent(30ms, UNSENT);
        server.stop();
        server.resume();
    }
    std::atomic<bool> has_ended = false;
    std::thread interrupter([&] { // while it works
        try {
            for (int i = 0; i < 200; ++i) {
                server.stop();
                server.resume();
            }
        } catch (const std::exception&) { // it has died: the other thread will notice
        }
        has_ended = true;
    });
    std::string data = random_bytes(4 * MEGABYTE);
    std::string received;
    try {
        do {
            received = client.exchange(data, data.size());
        } while (!has_ended && received == data);
    } catch (...) {
        interrupter.join();
        throw;
    }
    interrupter.join();
    check_same(received, data);
}

TEST_CASE("SIGINT and SIGTERM end it and the port is free at once") {
    for (int signal : {SIGINT, SIGTERM}) {
        Ending ending = end_with_clients(signal);
        bool is_expected =
            ending.signal == signal || (ending.signal == 0 && ending.status == 0);
        CHECK_MESSAGE(is_expected, "signal ", signal, " was sent, and it ended with ",
                      describe(ending));
    }
}

TEST_CASE("it says where it listens") {
    Server server;
    std::string expected = "127.0.0.1:" + std::to_string(server.port());
    CHECK_MESSAGE(server.address() == expected, "it says that it listens on ", server.address(),
                  ", and not on ", expected);
    Server named({"--host", "localhost", "--port", "0", "--quiet"});
    Client(named, "localhost").echo("hello");
}

TEST_CASE("it listens on an IPv6 address") {
    if (!has_ipv6_loopback()) {
        MESSAGE("skipped: this machine has no IPv6");
        return;
    }
    Server server({"--host", "::1", "--port", "0", "--quiet"});
    std::string expected = "[::1]:" + std::to_string(server.port());
    CHECK_MESSAGE(server.address() == expected, "it says that it listens on ", server.address(),
                  ", and not on ", expected);
    Client client(server, "::1");
    client.echo("hello");
    client.half_close();
    client.check_end();
}

TEST_CASE("--help shows the usage") {
    Finished run = run_program(server_program, setup_with({"--help"}).arguments);
    check_status_0(run.ending);
    CHECK_MESSAGE(run.output.starts_with("usage: "),
                  "what it prints on standard output does not begin with 'usage: '");
    for (const char* option : {"--host", "--port", "--quiet"}) {
        bool is_told = run.output.find(option) != std::string::npos;
        CHECK_MESSAGE(is_told, "the usage does not tell of ", option);
    }
    CHECK_MESSAGE(run.errors.empty(), "it prints something on standard error: ", run.errors);
}

TEST_CASE("wrong arguments get one clear line and the usage") {
    check_refusal({"--port", "abc"}, 2);
    check_refusal({"--port", "70000"}, 2);
    check_refusal({"--port", "65536"}, 2);
    check_refusal({"--port", "-1"}, 2);
    check_refusal({"--port", ""}, 2);
    check_refusal({"--port", "80 "}, 2);
    check_refusal({"--port"}, 2);
    check_refusal({"--host"}, 2);
    check_refusal({"--colour"}, 2);
    check_refusal({"8888"}, 2);
    check_refusal({""}, 2);
}

TEST_CASE("an address that cannot be had gets one clear line") {
    check_refusal({"--host", "192.0.2.1", "--port", "0"}, 1); // TEST-NET-1: no machine's
    check_refusal({"--host", "not a host", "--port", "0"}, 1);
    Server server;
    check_refusal({"--port", std::to_string(server.port())}, 1);
    check_serves_another(server);
}

TEST_CASE("without standard input and error its log goes to no client") {
    ServerSetup setup = setup_with({"--port", "0"});
    setup.arguments.insert(setup.arguments.begin(),
                           {"-c", R"(exec "$0" "$@" <&- 2>&-)", server_program});
    ServerProcess server("/bin/sh", setup);
    Client client(server);
    client.echo("hello");
    client.half_close();
    client.check_end();
}

TEST_CASE("it logs clients unless it is told to be quiet") {
    ServerSetup setup = setup_with({"--port", "0"});
    setup.collect_errors = true;
    Server server(setup);
    Client client(server);
    std::string name = "127.0.0.1:" + client.own_port();
    client.echo("hello");
    const std::string connected = name + " connected\n";
    std::string errors = server.errors_until("connected\n");
    CHECK_MESSAGE(errors == connected,
                  "'ADDRESS connected' is to be said of a client, and it says: ", errors);
    client.half_close();
    client.check_end();
    errors = server.errors_until("disconnected\n");
    CHECK_MESSAGE(errors == connected + name + " disconnected\n",
                  "'ADDRESS disconnected' is to be said of a client, and it says: ", errors);

    setup.arguments.push_back("--quiet");
    Server quiet(setup);
    check_serves_another(quiet);
    check_serves_another(quiet);
    quiet.signal(SIGTERM);
    quiet.wait();
    errors = quiet.errors_until("the end of file");
    CHECK_MESSAGE(errors == "", "with --quiet it says: ", errors);
}

TEST_SUITE_END();

// ---- from 02_threads on ---------------------------------------------------------------------

TEST_SUITE_BEGIN("concurrent");

TEST_CASE("a silent client and one that does not read hold up no other") {
    Server server;
    Client silent(server);
    Client unread(server);
    std::string data = random_bytes(64 * MEGABYTE);
    std::size_t sent = unread.send_until_stuck(data);
    check_serves_another(server);
    Client third(server);
    third.echo(random_bytes(2 * MEGABYTE, 3));
    check_same(unread.receive(sent), data.substr(0, sent));
    silent.echo("now I speak");
}

TEST_CASE("what belongs to one client never reaches another") {
    Server server;
    std::vector<Client> clients;
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back(server);
    }
    for (std::size_t round = 0; round < 20; ++round) { // all send before any receives
        for (std::size_t i = 0; i < clients.size(); ++i) {
            clients[i].send(random_bytes(3000, round * 100 + i));
        }
        for (std::size_t i = 0; i < clients.size(); ++i) {
            check_same(clients[i].receive(3000), random_bytes(3000, round * 100 + i));
        }
    }
}

TEST_CASE("clients that come and go hold up no other") {
    Server server;
    Client steady(server);
    for (int i = 0; i < 100; ++i) { // descriptor numbers are reused all the time
        steady.send("before");
        Client resets(server);
        resets.send("hello");
        Client closes(server);
        closes.send("hello");
        resets.reset();
        closes.close();
        check_same(steady.receive(6), "before");
        Client next(server);
        next.echo("mine");
        steady.echo("after");
    }
}

TEST_CASE("1000 clients are served at once") {
    if (descriptor_limit() < 1050) {
        MESSAGE("skipped: we may not open enough descriptors");
        return;
    }
    check_many_clients(1000);
}

TEST_CASE("without a free descriptor it waits and does not spin") {
    ServerSetup setup = setup_with(ANY_PORT);
    setup.max_fds = 24;
    Server server(setup);
    std::vector<Client> clients;
    for (int i = 0; i < 40; ++i) {
        clients.emplace_back(server);
        clients.back().send("hello " + std::to_string(10 + i));
    }
    // The kernel keeps those who wait in the order in which they came.
    for (std::size_t i = 0; i < 8; ++i) {
        check_same(clients[i].receive(8), "hello " + std::to_string(10 + i));
    }
    clients.back().check_silent(300ms, SERVED);

    // A server that tries again and again without a pause uses all of a processor.
    double cpu_before = server.cpu_seconds();
    auto start = std::chrono::steady_clock::now();
    clients.back().check_silent(1000ms, SERVED);
    double cpu = server.cpu_seconds() - cpu_before;
    std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    CHECK_MESSAGE(cpu < 0.1 * elapsed.count(), "the server spins: it used the processor for ",
                  cpu, " of ", elapsed.count(), " s");

    clients.front().echo("those who are in are served");
    for (std::size_t i = 0; i < clients.size(); ++i) { // and each one who leaves lets one in
        if (i >= 8) {
            check_same(clients[i].receive(8), "hello " + std::to_string(10 + i));
        }
        clients[i].close();
    }
    check_serves_another(server);
}

TEST_SUITE_END();

// ---- every server of ours ------------------------------------------------------------------

TEST_SUITE_BEGIN("accept errors");

// EPERM: a firewall, say, so it may pass. The client stays in the queue, and accept would fail
// again at once.
TEST_CASE("an error of accept that may pass is logged ten times a second and ends nothing") {
    if (!can_make_accept_fail()) {
        MESSAGE("skipped: this system cannot make a call of accept fail");
        return;
    }
    ServerSetup setup = setup_with({"--port", "0"});
    setup.collect_errors = true;
    setup.accept_error = EPERM;
    auto start = std::chrono::steady_clock::now();
    Server server(setup);
    Client client(server);
    std::string line = server.errors_until("\n");
    line.erase(line.find('\n') + 1);
    CHECK(line.ends_with(std::generic_category().message(EPERM) + "\n"));
    std::string ten_lines;
    for (int i = 0; i < 10; ++i) {
        ten_lines += line;
    }
    CHECK(server.errors_until(ten_lines).starts_with(ten_lines));
    std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    CHECK_MESSAGE(elapsed.count() >= 0.9, "10 lines came in ", elapsed.count(), " s");
    double cpu = server.cpu_seconds();
    CHECK_MESSAGE(cpu < 0.1 * elapsed.count(), "the server spins: it used the processor for ",
                  cpu, " of ", elapsed.count(), " s");
    server.signal(SIGKILL);
    CHECK(server.wait().signal == SIGKILL); // it has not ended before
}

TEST_CASE("an error of accept that says the listener is no good ends it with one clear line") {
    if (!can_make_accept_fail()) {
        MESSAGE("skipped: this system cannot make a call of accept fail");
        return;
    }
    for (int error : {EBADF, EINVAL, ENOTSOCK}) {
        CAPTURE(error);
        ServerSetup setup = setup_with({"--port", "0"});
        setup.collect_errors = true;
        setup.accept_error = error;
        Server server(setup);
        try {
            Client client(server);
        } catch (const std::system_error&) { // it has ended already
        }
        Ending ending = server.wait();
        CHECK(ending.signal == 0);
        CHECK(ending.status == 1);
        std::string line = server.errors_until("the end of file");
        CHECK(line.starts_with("echo_server: "));
        CHECK(line.ends_with(std::generic_category().message(error) + "\n"));
        CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    }
}

TEST_SUITE_END();

// ---- 03_select
// ---- 03_select ------------------------------------------------------------------------------

TEST_SUITE_BEGIN("thread limit");

// A thread needs address space for its stack: with little of it only some can be started.
TEST_CASE("a client for whom no thread can be started is closed and the others are served") {
    ServerSetup setup = setup_with(ANY_PORT);
    setup.max_address_space = 256 * MEGABYTE;
    Server server(setup);
    std::vector<Client> served;
    std::size_t refused = 0;
    for (int i = 0; i < 200; ++i) {
        Client client(server);
        if (client.is_served()) {
            served.push_back(std::move(client));
        } else {
            ++refused;
        }
    }
    CHECK(served.size() >= 4);
    CHECK(refused > 0);
    for (Client& client : served) {
        client.echo("still served");
    }
    served.clear(); // and when their threads have ended, others can be started
    bool is_served_again = false;
    for (int i = 0; i < 1000 && !is_served_again; ++i) {
        is_served_again = Client(server).is_served();
    }
    CHECK(is_served_again);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("select limit");

TEST_CASE("clients beyond FD_SETSIZE are refused") {
    check_select_limit(ANY_PORT);
}

TEST_SUITE_END();

// ---- from 04_callbacks on -------------------------------------------------------------------

TEST_SUITE_BEGIN("event loop");

TEST_CASE("SIGINT and SIGTERM end it with status 0") {
    for (int signal : {SIGINT, SIGTERM}) {
        Ending ending = end_with_clients(signal);
        check_status_0(ending);

        Server idle;
#ifdef __SANITIZE_THREAD__
        // The sanitizer's runtime (that of GCC 12) makes room for pending signals when a
        // program first blocks, and loses a signal that comes just then.
        check_serves_another(idle);
#endif
        idle.signal(signal);
        ending = idle.wait();
        check_status_0(ending);
    }
}

TEST_CASE("SIGTERM ends it even without a free descriptor") {
    ServerSetup setup = setup_with(ANY_PORT);
    setup.max_fds = 24;
    Server server(setup);
    std::vector<Client> clients;
    for (int i = 0; i < 40; ++i) {
        clients.emplace_back(server);
        if (i == 0) {
            clients.back().echo("I am in");
        }
    }
    // By now it has noticed; one that cannot wait has ended.
    clients.back().check_silent(300ms, SERVED);
    clients.front().echo("hello");
    server.signal(SIGTERM);
    Ending ending = server.wait();
    check_status_0(ending);
}

TEST_CASE("10000 clients are served at once") {
    std::size_t count = std::min<std::size_t>(10'000, descriptor_limit() - 50);
    if (count < 1000) {
        MESSAGE("skipped: we may not open enough descriptors");
        return;
    }
    check_many_clients(count);
}

TEST_CASE("it serves with each --selector") {
    std::string data = random_bytes(64 * MEGABYTE);
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        Server server({"--port", "0", "--quiet", "--selector", name});
        Client first(server);
        Client second(server);
        std::size_t sent = first.send_until_stuck(data);
        second.echo(random_bytes(MEGABYTE));
        first.half_close();
        check_same(first.receive(sent), data.substr(0, sent));
        first.check_end();
        second.reset();
        check_serves_another(server);
        server.signal(SIGTERM);
#ifdef __SANITIZE_THREAD__
        // The sanitizer's runtime (that of GCC 12) does not know select: it keeps a signal that
        // comes there until the program does something else (each of its threads, if it has many).
        try {
            for (int i = 0; i < 16; ++i) {
                Client something_else(server);
            }
        } catch (const std::system_error&) { // it has ended already
        }
#endif
        CHECK(server.wait().status == 0);
    }
    check_refusal({"--selector", "telepathy"}, 2);
    check_refusal({"--selector", ""}, 2);
    check_refusal({"--selector"}, 2);
}

TEST_CASE("--debug says nothing of a server that is never slow") {
    ServerSetup setup = setup_with({"--port", "0", "--quiet", "--debug"});
    setup.collect_errors = true;
    Server server(setup);
    check_serves_another(server);
    server.signal(SIGTERM);
    server.wait();
    CHECK(server.errors_until("the end of file") == "");
}

TEST_CASE("--selector select refuses clients beyond FD_SETSIZE") {
    check_select_limit({"--port", "0", "--quiet", "--selector", "select"});
}

TEST_SUITE_END();

// ---- asyncio/many_loops ----------------------------------------------------------------------

TEST_SUITE_BEGIN("many loops");

// Each loop has a queue of its own, so there is no order among all those who wait.
TEST_CASE("without a free descriptor all loops wait and none spins") {
    ServerSetup setup = setup_with(ANY_PORT);
    setup.max_fds = 24;
    Server server(setup);
    std::vector<Client> clients;
    for (int i = 0; i < 40; ++i) {
        clients.emplace_back(server);
        if (i < 8) {
            clients.back().echo("hello");
        } else {
            clients.back().send("hello");
        }
    }
    clients.back().check_silent(300ms, SERVED);
    double cpu_before = server.cpu_seconds();
    clients.back().check_silent(1000ms, SERVED);
    double cpu = server.cpu_seconds() - cpu_before;
    CHECK_MESSAGE(cpu < 0.1, "the server spins: it used the processor for ", cpu, " of 1 s");

    clients.front().echo("those who are in are served");
    clients.erase(clients.begin(), clients.end() - 8);
    for (Client& client : clients) { // now there is room for all that are left
        check_same(client.receive(5), "hello");
    }
    check_serves_another(server);
}

TEST_SUITE_END();

// ---- 01_blocking ----------------------------------------------------------------------------

TEST_SUITE_BEGIN("one at a time");

TEST_CASE("the second client waits until the first has gone and is then served in full") {
    Server server;
    Client first(server);
    first.echo("hello");
    Client second(server);
    std::string data = random_bytes(100'000);
    second.send(data);
    second.half_close();
    second.check_silent(200ms, "two clients are served at once");
    first.echo("still mine");
    second.check_silent(200ms, "two clients are served at once");
    first.close();
    check_same(second.receive(data.size()), data);
    second.check_end();
}

#ifdef __linux__ // prlimit changes the limit of another process
TEST_CASE("without a free descriptor for the one client it waits") {
    Server server;
    Client first(server);
    first.echo("hello");
    rlimit before{};
    rlimit none{};
    bool is_limited = ::prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &before) == 0;
    none.rlim_max = before.rlim_max;
    is_limited = is_limited && ::prlimit(server.pid(), RLIMIT_NOFILE, &none, nullptr) == 0;
    REQUIRE_MESSAGE(is_limited, "the server's limit of descriptors cannot be changed");

    Client client(server);
    client.send("hello");
    first.close(); // so that the server calls accept, in vain
    client.check_silent(300ms, SERVED);
    double cpu_before = server.cpu_seconds();
    client.check_silent(1000ms, SERVED);
    double cpu = server.cpu_seconds() - cpu_before;
    CHECK_MESSAGE(cpu < 0.1, "the server spins: it used the processor for ", cpu, " of 1 s");

    bool is_as_before = ::prlimit(server.pid(), RLIMIT_NOFILE, &before, nullptr) == 0;
    REQUIRE_MESSAGE(is_as_before, "the server's limit of descriptors cannot be changed back");
    check_same(client.receive(5), "hello");
}
#endif

TEST_SUITE_END();

// ----------------------------------------------------------------------------------------------

// Whether the program can be tested at all. If not, says why.
bool can_be_checked() {
    try {
        Server first;
        Server second;
        if (first.port() != second.port()) {
            return true;
        }
        std::cout << "two servers that were started with --port 0 both say port "
                  << first.port() << '\n';
    } catch (const std::exception& error) {
        std::cout << error.what() << '\n';
    }
    std::cout << "To be checked, a program has to take the arguments --port 0, choose a free\n"
                 "port, and print, once it accepts clients, one line on standard output,\n"
                 "flushed, and nothing else there:\n    listening on HOST:PORT\n";
    return false;
}

// Tells which guarantees the server keeps. Returns the status of the program.
int run_verdict(doctest::Context& context) {
    ANY_PORT = {"--port", "0"};
    if (!can_be_checked()) {
        return 2;
    }
    context.setOption("reporters", "verdict");
    context.addFilter("test-suite", suites_of_model());
    // These are about options that only our servers have, or that a server need not be.
    context.addFilter("test-case-exclude",
                      "*--selector*,--debug*,the second client waits*,without standard*");
    keep_errors_of_servers();
    context.run();
    return is_well() ? 0 : 1;
}

int main(int argc, char** argv) {
    std::vector<char*> for_doctest;
    for (int i = 0; i < argc; ++i) {
        std::string argument = argv[i];
        std::string value = argument.substr(argument.find('=') + 1);
        if (argument.starts_with("--server=")) {
            server_program = value;
        } else if (argument.starts_with("--server-arg=")) {
            server_extra_arguments.push_back(value);
        } else if (argument.starts_with("--server-env=")) {
            std::size_t equals = value.find('=');
            ::setenv(value.substr(0, equals).c_str(), value.c_str() + equals + 1, 1);
        } else if (argument.starts_with("--verdict=")) {
            is_verdict = true;
            verdict_model = std::stoi(value);
        } else if (argument.starts_with("--patience=")) {
            patience = std::chrono::seconds(std::stoi(value));
        } else {
            for_doctest.push_back(argv[i]);
        }
    }
    rlimit limit{}; // a test with 10,000 clients needs as many descriptors
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 20'000);
    ::setrlimit(RLIMIT_NOFILE, &limit);

    doctest::Context context(static_cast<int>(for_doctest.size()), for_doctest.data());
    return is_verdict ? run_verdict(context) : context.run();
}
