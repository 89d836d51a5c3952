// An echo server with one mistake of your choice, for testing the tests: each mistake must be
// noticed by them, and without one (--mistake none) they must pass.
//
// It is one loop around poll(2) with an outgoing buffer for each client, as stage 03 has it.
#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace {

constexpr std::array<std::string_view, 15> MISTAKES = {
    "none",
    "ignores a short send",
    "dies of a reset",
    "lets an exception out",
    "loses output at half-close",
    "spins without descriptors",
    "exits without descriptors",
    "spins on an error of accept",
    "buffers without limit",
    "stops at NUL",
    "dies of SIGPIPE",
    "mixes up two clients",
    "forgets to wait",
    "closes a silent client",
    "tells nothing of --quiet",
};

std::string_view mistake = "none";

struct Client {
    Socket socket;
    std::string outgoing;
    bool waits_for_output = false; // whether poll is to tell when `outgoing` can be sent
    bool has_ended = false;        // the client has sent everything
};

// Sends what the kernel takes now; the rest has to wait.
void send_some(Client& client) {
    std::size_t sent = 0;
    if (mistake == "dies of SIGPIPE") {
        ssize_t count = ::send(client.socket.fd(), client.outgoing.data(),
                               client.outgoing.size(), 0); // no MSG_NOSIGNAL
        sent = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
        if (count == -1 && errno != EAGAIN) {
            throw std::system_error(errno, std::generic_category(), "send");
        }
    } else {
        sent = client.socket.try_send(client.outgoing).value_or(0);
    }
    if (mistake == "ignores a short send") {
        sent = client.outgoing.size();
    }
    client.outgoing.erase(0, sent);
    client.waits_for_output = !client.outgoing.empty() && mistake != "forgets to wait";
}

void receive_some(Client& client) {
    std::optional<std::string> data = client.socket.try_recv(4096);
    if (!data) {
        return;
    }
    if (data->empty()) {
        client.has_ended = true;
        if (mistake == "loses output at half-close") {
            client.outgoing.clear();
        }
        return;
    }
    if (mistake == "stops at NUL") {
        *data = data->c_str();
    }
    if (mistake == "mixes up two clients") { // a buffer that should have been the client's own
        static std::string shared;
        shared.resize(std::max(shared.size(), data->size()), '?');
        std::swap(shared, *data);
        data->resize(shared.size(), '?');
    }
    client.outgoing += *data;
    if (!client.waits_for_output) {
        send_some(client);
    }
}

// Whether the next input may be received although output waits.
bool may_receive_ahead() {
    return mistake == "buffers without limit" || mistake == "loses output at half-close";
}

// Returns false when the client is to be closed.
bool serve(Client& client, bool is_writable) {
    try {
        if (is_writable && client.waits_for_output) {
            send_some(client);
        }
        if (!client.has_ended && (client.outgoing.empty() || may_receive_ahead())) {
            receive_some(client);
        }
        return !client.has_ended || !client.outgoing.empty();
    } catch (const std::system_error& error) {
        if (mistake == "dies of a reset" && error.code() == std::errc::connection_reset) {
            throw;
        }
        if (mistake == "lets an exception out") {
            std::terminate();
        }
        log_line(client.socket.address(), error.what());
        return false;
    }
}

void echo_server(Socket listener) {
    log_listening(listener.address());
    std::signal(SIGPIPE, SIG_DFL); // which log_listening ignores
    listener.set_blocking(false);
    std::vector<Client> clients;
    bool pauses = false; // accept has failed
    while (true) {
        std::vector<pollfd> entries;
        for (const Client& client : clients) {
            bool wants_input =
                !client.has_ended && (client.outgoing.empty() || may_receive_ahead());
            unsigned events = (wants_input ? unsigned(POLLIN) : 0u) |
                              (client.waits_for_output ? unsigned(POLLOUT) : 0u);
            entries.push_back({client.socket.fd(), static_cast<short>(events), 0});
        }
        // Last, and left out during a pause: poll ignores the descriptor -1.
        entries.push_back({pauses ? -1 : listener.fd(), POLLIN, 0});
        bool is_impatient = mistake == "closes a silent client";
        int timeout = pauses ? 100 : -1;
        if (is_impatient) {
            timeout = 10;
        }
        int count = ::poll(entries.data(), static_cast<nfds_t>(entries.size()), timeout);
        if (count == -1) {
            continue; // EINTR
        }
        if (count == 0 && is_impatient) {
            clients.clear();
            continue;
        }
        pauses = false;
        for (std::size_t i = clients.size(); i-- > 0;) { // backwards: erasing moves the others
            if (entries[i].revents != 0 &&
                !serve(clients[i], (entries[i].revents & ~POLLIN) != 0)) {
                log_line(clients[i].socket.address(), "disconnected");
                clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        if (entries.back().revents != 0) {
            try {
                if (std::optional<Socket> socket = listener.try_accept()) {
                    log_line(socket->address(), "connected");
                    clients.push_back({std::move(*socket), ""});
                }
            } catch (const std::system_error& error) {
                if (mistake == "exits without descriptors" || is_broken_listener(error)) {
                    throw;
                }
                log_line(listener.address(), error.what());
                bool has_no_descriptor = error.code() == std::errc::too_many_files_open;
                pauses = mistake != (has_no_descriptor ? "spins without descriptors"
                                                       : "spins on an error of accept");
            }
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    std::vector<char*> arguments(argv, argv + argc);
    if (argc > 2 && std::strcmp(argv[1], "--mistake") == 0) {
        mistake = argv[2];
        arguments.erase(arguments.begin() + 1, arguments.begin() + 3);
    }
    if (std::find(MISTAKES.begin(), MISTAKES.end(), mistake) == MISTAKES.end()) {
        std::cerr << "wrong_server: there is no mistake '" << mistake << "'\n";
        return 2;
    }
    if (mistake == "tells nothing of --quiet" && arguments.size() > 1 &&
        std::strcmp(arguments[1], "--help") == 0) {
        std::cout << "usage: wrong_server [--host H] [--port N]\n";
        return 0;
    }
    try {
        ServerOptions options =
            parse_server_options(static_cast<int>(arguments.size()), arguments.data());
        echo_server(listen_on(options.host, options.port));
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
