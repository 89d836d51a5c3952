// Tests of the library under the servers: sockets, selectors, the wake-up pipe, the trace.
#include <doctest/doctest.h>

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"
#include "common/wake_up.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

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

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

void reset(Socket& socket) {
    linger at_once{1, 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket.close();
}

// Sends until the kernel takes no more.
void fill(Socket& socket) {
    socket.set_blocking(false);
    std::string data(64 * 1024, 'x');
    while (socket.try_send(data) || wait_for(socket.fd(), POLLOUT, 100ms)) {
    }
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

// ---- Socket ---------------------------------------------------------------------------------

TEST_CASE("Socket: address() is HOST:PORT as text") {
    Socket listener = listen_on("127.0.0.1", 0);
    CHECK(std::regex_match(listener.address(), std::regex(R"(127\.0\.0\.1:[1-9][0-9]*)")));
    Socket client = connect_to("127.0.0.1", Connection::port_of(listener));
    CHECK(client.address() == listener.address());
    Socket accepted = listener.accept();
    CHECK(accepted.address().starts_with("127.0.0.1:"));
    CHECK(accepted.address() != listener.address());
}

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
        REQUIRE(sent < 64 * 1024 * 1024); // nobody receives: it has to say so in the end
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

TEST_CASE("Socket: the errors of accept after which no other try will help") {
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
    listener.reset(); // now nobody listens there
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

// ---- Selector -------------------------------------------------------------------------------

namespace {

// What the selector says about `fd`, after a wait of at most a moment.
Events ready_events(Selector& selector, int fd, std::chrono::nanoseconds timeout = 100ms) {
    Events events = 0;
    for (const ReadyFd& ready : selector.select(timeout)) {
        if (ready.fd == fd) {
            events |= ready.events;
        }
    }
    return events;
}

} // namespace

TEST_CASE("Selector: there is one for each name and none for another") {
    std::vector<std::string> names = selector_names();
    CHECK(names.size() == 3);
    for (const std::string& name : names) {
        CHECK(is_selector_name(name));
        CHECK(make_selector(name) != nullptr);
    }
    CHECK(make_selector("") != nullptr);
    CHECK(!is_selector_name("telepathy"));
    CHECK_THROWS_AS(make_selector("telepathy"), std::invalid_argument);
}

TEST_CASE("Selector: readiness is level-triggered") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        Connection pair;
        int fd = pair.server.fd();
        selector->register_fd(fd, READ);
        CHECK(ready_events(*selector, fd, 0ms) == 0);
        pair.client.send_all("ab");
        CHECK(ready_events(*selector, fd, patience) == READ);
        CHECK(ready_events(*selector, fd) == READ); // as long as it is so
        CHECK(pair.server.recv(1) == "a");
        CHECK(ready_events(*selector, fd) == READ);
        CHECK(pair.server.recv(1) == "b");
        CHECK(ready_events(*selector, fd, 0ms) == 0);
        selector->unregister(fd);
    }
}

TEST_CASE("Selector: modify and unregister change what is reported") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        Connection pair;
        Connection other;
        int fd = pair.server.fd();
        selector->register_fd(fd, WRITE);
        selector->register_fd(other.server.fd(), READ);
        CHECK(ready_events(*selector, fd) == WRITE);
        pair.client.send_all("x");
        REQUIRE(wait_for(fd, POLLIN, patience));
        CHECK(ready_events(*selector, fd) == WRITE); // reading was not asked for
        selector->modify(fd, READ);
        CHECK(ready_events(*selector, fd) == READ);
        selector->modify(fd, READ | WRITE);
        CHECK(ready_events(*selector, fd) == (READ | WRITE));
        selector->unregister(fd);
        CHECK(ready_events(*selector, fd) == 0);

        other.client.send_all("y"); // the other one is still there
        CHECK(ready_events(*selector, other.server.fd(), patience) == READ);
        selector->register_fd(fd, READ); // and one may come back
        CHECK(ready_events(*selector, fd) == READ);
        selector->unregister(fd);
        selector->unregister(other.server.fd());
    }
}

TEST_CASE("Selector: many descriptors are reported at once") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        std::vector<Connection> pairs(50);
        for (Connection& pair : pairs) {
            selector->register_fd(pair.server.fd(), READ);
        }
        for (std::size_t i = 0; i < pairs.size(); i += 2) { // every other one leaves
            selector->unregister(pairs[i].server.fd());
        }
        for (Connection& pair : pairs) {
            pair.client.send_all("x");
            REQUIRE(wait_for(pair.server.fd(), POLLIN, patience));
        }
        std::vector<int> expected;
        for (std::size_t i = 1; i < pairs.size(); i += 2) {
            expected.push_back(pairs[i].server.fd());
        }
        std::vector<int> found;
        for (const ReadyFd& ready : selector->select(100ms)) {
            found.push_back(ready.fd);
        }
        std::sort(expected.begin(), expected.end());
        std::sort(found.begin(), found.end());
        bool is_same = found == expected;
        CHECK(is_same);
    }
}

TEST_CASE("Selector: a hang-up or an error is reported as what was asked for") {
    for (const std::string& name : selector_names()) {
        for (Events asked : {READ, WRITE, READ | WRITE}) {
            CAPTURE(name);
            CAPTURE(asked);
            std::unique_ptr<Selector> selector = make_selector(name);
            Connection pair;
            fill(pair.server); // so that it is not writable anyway
            selector->register_fd(pair.server.fd(), asked);
            CHECK(ready_events(*selector, pair.server.fd(), 0ms) == 0);
            reset(pair.client);
            Events found = ready_events(*selector, pair.server.fd(), patience);
            CHECK(found != 0);
            CHECK((found & ~asked) == 0);
            selector->unregister(pair.server.fd());
        }
    }
}

TEST_CASE("Selector: a pipe whose other end is closed is ready") {
    // Here poll and epoll report only the error or the hang-up, not "readable" or "writable".
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        Descriptor reading(ends[0]);
        Descriptor writing(ends[1]);
        selector->register_fd(reading.get(), READ);
        CHECK(ready_events(*selector, reading.get(), 0ms) == 0);
        writing = Descriptor();
        CHECK(ready_events(*selector, reading.get(), patience) == READ);
        selector->unregister(reading.get());

        REQUIRE(::pipe(ends) == 0);
        reading = Descriptor(ends[0]);
        writing = Descriptor(ends[1]);
        ::fcntl(writing.get(), F_SETFL, O_NONBLOCK);
        while (::write(writing.get(), "x", 1) == 1) {
        }
        selector->register_fd(writing.get(), WRITE);
        CHECK(ready_events(*selector, writing.get(), 0ms) == 0);
        reading = Descriptor();
        CHECK(ready_events(*selector, writing.get(), patience) == WRITE);
        selector->unregister(writing.get());
    }
}

TEST_CASE("Selector: timeouts are kept and rounded up") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        CHECK(selector->select(0ns).empty());
        CHECK(selector->select(-5s).empty()); // the past: do not wait
        auto start = Clock::now();
        CHECK(selector->select(20ms).empty());
        CHECK(Clock::now() - start >= 20ms);
        // A wait that is shorter than the system call can express is not one of zero: then a
        // loop that waits for a timer would spin.
        start = Clock::now();
        int rounds = 0;
        while (Clock::now() - start < 1ms) {
            selector->select(500us);
            ++rounds;
        }
        CHECK(rounds <= 2);
        start = Clock::now();
        CHECK(selector->select(1us).empty());
        CHECK(Clock::now() - start >= 1us);
    }
}

TEST_CASE("Selector: without a timeout it waits for an event") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        WakeUp wake_up;
        selector->register_fd(wake_up.fd(), READ);
        std::thread waker([&] { wake_up.wake(); });
        const std::vector<ReadyFd>& ready = selector->select(std::nullopt);
        waker.join();
        REQUIRE(ready.size() == 1);
        CHECK(ready.front().fd == wake_up.fd());
        selector->unregister(wake_up.fd());
    }
}

TEST_CASE("Selector: a signal ends the wait early") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        WakeUp wake_up;
        wake_up.catch_signal(SIGUSR1);
        selector->register_fd(wake_up.fd(), READ);
        CHECK(selector->select(0ms).empty()); // not yet
        std::thread sender([] { ::kill(::getpid(), SIGUSR1); });
        while (!wake_up.take_signal(SIGUSR1)) { // select returns nothing, or the pipe
            selector->select(std::nullopt);
        }
        sender.join();
        selector->unregister(wake_up.fd());
        wake_up.release_signal(SIGUSR1);
    }
}

TEST_CASE("Selector: select refuses a descriptor beyond its set") {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    rlimit before = limit;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, FD_SETSIZE + 10);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    WakeUp wake_up;
    Descriptor high(::fcntl(wake_up.fd(), F_DUPFD, FD_SETSIZE));
    if (high.get() == -1) {
        MESSAGE("skipped: we may not open enough descriptors");
        return;
    }
    wake_up.wake();
    std::unique_ptr<Selector> selector = make_selector("select");
    CHECK_THROWS_AS(selector->register_fd(high.get(), READ), std::system_error);
    CHECK(selector->select(0ms).empty());
    selector = make_selector("poll"); // has no such limit
    selector->register_fd(high.get(), READ);
    CHECK(ready_events(*selector, high.get()) == READ);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("Selector: a descriptor that is not open is refused") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        std::unique_ptr<Selector> selector = make_selector(name);
        CHECK_THROWS_AS(selector->register_fd(-1, READ), std::system_error);
        CHECK(selector->select(0ns).empty());
    }
}

// ---- WakeUp ---------------------------------------------------------------------------------

TEST_CASE("WakeUp: wake makes it readable and drain clears it") {
    WakeUp wake_up;
    CHECK(!wait_for(wake_up.fd(), POLLIN, 0ms));
    for (int i = 0; i < 100'000; ++i) { // more than the pipe holds: never waits
        wake_up.wake();
    }
    CHECK(wait_for(wake_up.fd(), POLLIN, patience));
    wake_up.drain();
    CHECK(!wait_for(wake_up.fd(), POLLIN, 0ms));
    wake_up.drain();
    wake_up.wake();
    CHECK(wait_for(wake_up.fd(), POLLIN, patience));
}

TEST_CASE("WakeUp: a caught signal wakes and is taken once") {
    WakeUp wake_up;
    wake_up.catch_signal(SIGUSR1);
    CHECK(!wake_up.take_signal(SIGUSR1));
    ::raise(SIGUSR1);
    CHECK(wait_for(wake_up.fd(), POLLIN, patience));
    CHECK(!wake_up.take_signal(SIGUSR2));
    CHECK(wake_up.take_signal(SIGUSR1));
    CHECK(!wake_up.take_signal(SIGUSR1));
    wake_up.release_signal(SIGUSR1);
}

TEST_CASE("WakeUp: a signal leaves errno alone") {
    // The code that was interrupted may be about to look at it.
    WakeUp wake_up;
    wake_up.catch_signal(SIGUSR1);
    for (int i = 0; i < 100'000; ++i) { // the pipe is full: the handler's write fails
        wake_up.wake();
    }
    errno = 1234;
    ::raise(SIGUSR1);
    int after = errno;
    CHECK(after == 1234);
    CHECK(wake_up.take_signal(SIGUSR1));
    wake_up.release_signal(SIGUSR1);
}

TEST_CASE("WakeUp: signals that cannot be caught are refused") {
    WakeUp wake_up;
    CHECK_THROWS_AS(wake_up.catch_signal(SIGKILL), std::system_error);
    CHECK_THROWS_AS(wake_up.catch_signal(0), std::system_error);
    CHECK_THROWS_AS(wake_up.catch_signal(100'000), std::system_error);
}

TEST_CASE("WakeUp: only one at a time catches signals and the next may afterwards") {
    {
        WakeUp first;
        first.catch_signal(SIGUSR1);
        WakeUp second;
        CHECK_THROWS_AS(second.catch_signal(SIGUSR2), std::logic_error);
        first.release_signal(SIGUSR1);
    }
    WakeUp third;
    CHECK_NOTHROW(third.catch_signal(SIGUSR1));
    third.release_signal(SIGUSR1);
}

TEST_CASE("WakeUp: a released signal has its usual effect again") {
    auto is_default = [](int signal) {
        struct sigaction action {};
        ::sigaction(signal, nullptr, &action);
        return action.sa_handler == SIG_DFL;
    };
    WakeUp wake_up;
    wake_up.catch_signal(SIGUSR1);
    CHECK(!is_default(SIGUSR1));
    wake_up.release_signal(SIGUSR1);
    CHECK(is_default(SIGUSR1));
}

// ---- the log -------------------------------------------------------------------------------

TEST_CASE("log: when nobody is left to read it the program goes on") {
    Child child(::fork());
    if (child.pid() == 0) {
        int ends[2];
        ::pipe(ends);
        ::close(ends[0]);
        ::dup2(ends[1], STDOUT_FILENO);
        ::dup2(ends[1], STDERR_FILENO);
        log_listening("nobody");
        log_line("nobody", "reads this");
        ::_exit(0);
    }
    Ending ending = child.reap();
    CHECK(ending.signal == 0);
    CHECK(ending.status == 0);
}

// ---- the trace
// ---- the trace ------------------------------------------------------------------------------

namespace {

// One JSON object without arrays and without braces or quotes in its strings, which is all that
// the trace writes.
bool is_event(const std::string& line) {
    static const std::string value = R"(("[^"{}\\]*"|-?[0-9.]+))";
    static const std::string plain = R"("[a-z]+":)" + value;
    static const std::string inner = R"(\{)" + plain + "(," + plain + R"()*\})";
    static const std::string member = R"("[a-z]+":()" + value + "|" + inner + ")";
    static const std::regex event(R"(\{)" + member + "(," + member + R"()*\},)");
    return std::regex_match(line, event);
}

std::string member_of(const std::string& line, const std::string& name) {
    std::smatch match;
    std::regex_search(line, match, std::regex("\"" + name + R"(":"?([^",}]*))"));
    return match[1];
}

} // namespace

TEST_CASE("trace: each line is an event and every end has its beginning") {
    std::string path = "/tmp/echo_trace_XXXXXX";
    Descriptor file(::mkstemp(path.data()));
    REQUIRE(file.get() != -1);
    ServerSetup setup;
    setup.environment = {"ECHO_TRACE=" + path};
    ServerProcess server(ECHO_SERVER, setup);
    for (int i = 0; i < 3; ++i) {
        Socket client = connect_to("127.0.0.1", server.port());
        client.send_all("hello");
        CHECK(client.recv(5) == "hello");
        client.shutdown_write();
        CHECK(client.recv(5) == "");
    }
    server.signal(SIGTERM); // its last line is complete all the same
    server.wait();

    std::ifstream trace(path);
    ::unlink(path.c_str());
    std::string line;
    REQUIRE(std::getline(trace, line));
    CHECK(line == "[");
    std::map<std::string, int> open; // by lane: begun and not ended yet
    std::map<std::string, double> time;
    std::map<std::string, int> begun; // by name
    while (std::getline(trace, line)) {
        CAPTURE(line);
        CHECK(!trace.eof()); // the line ends with a newline
        CHECK(is_event(line));
        std::string phase = member_of(line, "ph");
        std::string lane = member_of(line, "pid") + "/" + member_of(line, "tid");
        if (phase == "M" || phase == "i") {
            continue;
        }
        double now = std::stod(member_of(line, "ts"));
        CHECK(now >= time[lane]);
        time[lane] = now;
        if (phase == "B") {
            ++open[lane];
            ++begun[member_of(line, "name")];
        } else {
            CHECK(phase == "E");
            --open[lane];
        }
        CHECK(open[lane] >= 0);
        CHECK(open[lane] <= 1); // no waiting within a wait
    }
    open.erase("2/1"); // the thread: the signal may have come inside accept or before it
    for (const auto& lane : open) {
        CAPTURE(lane.first);
        CHECK(lane.second == 0);
    }
    CHECK(begun["accept"] >= 3);
    CHECK(begun["accept"] <= 4);
    CHECK(begun["echoes"] == 3);
    CHECK(begun["waits for input"] == 6);
    CHECK(begun["recv"] == 6);
    CHECK(begun["send"] == 3);
}
