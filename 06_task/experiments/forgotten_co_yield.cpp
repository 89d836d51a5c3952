// Experiment: the handler of stage 06 with one co_yield forgotten. Its client first sends a
// word, and reads the answer; then it sends 16 MiB before it reads.
#include "async_socket.hpp"
#include "run.hpp"

#include "common/log.hpp"
#include "common/socket.hpp"

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

Coroutine<void> echo_handler(AsyncSocket client) {
    try {
        while (true) {
            std::string data = co_yield client.recv(4096);
            if (data.empty()) {
                break;
            }
            // Here co_yield is missing. The compiler warns of it; the cast silences it.
            static_cast<void>(client.send_all(data));
        }
    } catch (const std::exception& error) {
        log_line("handler:", error.what());
    }
}

Coroutine<void> echo_server(AsyncSocket listener) {
    while (true) {
        AsyncSocket client = co_yield listener.accept();
        create_task(echo_handler(std::move(client)));
    }
}

void send_before_reading(Socket& server) {
    std::string data(16 * 1024 * 1024, 'x');
    server.send_all(data);
    server.shutdown_write();
    std::size_t received = 0;
    for (std::string part; !(part = server.recv(65536)).empty();) {
        received += part.size();
    }
    log_line("client:", "sends " + std::to_string(data.size()) + " bytes, then reads: " +
                            std::to_string(received) + " bytes come back");
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::string address = listener.address();
    std::thread client([port = std::stoi(address.substr(address.rfind(':') + 1))] {
        Socket server = connect_to("127.0.0.1", static_cast<std::uint16_t>(port));
        server.send_all("hello");
        log_line("client:", "sends hello and gets " + server.recv(5));
        send_before_reading(server);
        ::kill(::getpid(), SIGTERM); // ends run()
    });
    EventLoop loop;
    run(loop, echo_server(AsyncSocket(loop, std::move(listener))));
    client.join();
}
