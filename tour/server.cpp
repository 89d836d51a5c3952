#include "tour/server.hpp"

#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

namespace {

// std::nullopt: the server is still there.
std::optional<std::string> how_it_ended(const ServerProcess& server) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(server.pid()), &info, WEXITED | WNOHANG | WNOWAIT) ==
        -1) {
        return "the server has died";
    }
    if (info.si_pid == 0 || info.si_code == CLD_TRAPPED) { // the latter: it was just traced
        return std::nullopt;
    }
    if (info.si_code == CLD_EXITED) {
        return "the server has ended with status " + std::to_string(info.si_status);
    }
    return "the server was killed by signal " + std::to_string(info.si_status) + " (" +
           ::strsignal(info.si_status) + ")";
}

} // namespace

void with_server(const Stage& stage, const std::function<void(ServerProcess&)>& use,
                 const ServerSetup& setup) {
    std::optional<std::string> problem;
    try {
        ServerProcess server(program_of(stage), setup);
        try {
            use(server);
        } catch (const std::exception& error) {
            problem = error.what();
            // If it is dying: its sockets are closed before the end can be seen.
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
        if (std::optional<std::string> end = how_it_ended(server)) {
            problem = end;
        }
    } catch (const std::exception& error) {
        problem = error.what();
    }
    if (problem) {
        throw std::runtime_error(stage.name + ": " + *problem);
    }
}

Socket connect_client(const ServerProcess& server) {
    Socket client = connect_to("127.0.0.1", server.port());
    timeval limit{};
    limit.tv_sec = CLIENT_PATIENCE.count();
    ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return client;
}

void round_trip(Socket& client, std::string_view message) {
    client.send_all(message);
    while (!message.empty()) {
        std::string data = client.recv(message.size());
        if (data.empty()) {
            throw std::runtime_error("the server has closed the connection of a client");
        }
        if (!message.starts_with(data)) {
            throw std::runtime_error("a client got other bytes than it had sent");
        }
        message.remove_prefix(data.size());
    }
}
