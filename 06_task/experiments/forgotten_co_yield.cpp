// Experiment: the handler of stage 06 with one co_yield forgotten. Its client first sends a
// word, and reads the answer; then it sends without reading.
#include "async_socket.hpp"
#include "run.hpp"

#include "common/log.hpp"
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>

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
        log_line("handler:", "disconnected");
    } catch (const std::exception& error) {
        log_line("handler:", error.what());
    }
}

Coroutine<void> echo_server(AsyncSocket listener) {
    AsyncSocket client = co_yield listener.accept();
    co_yield create_task(echo_handler(std::move(client)));
}

void send_without_reading(Socket& server) {
    server.set_blocking(false);
    std::string megabyte(1024 * 1024, 'x');
    try {
        while (wait_for(server.fd(), POLLOUT, std::chrono::seconds(2))) {
            server.try_send(megabyte);
        }
        log_line("client:", "sends without reading; now the server takes no more");
    } catch (const std::system_error&) {
        log_line("client:", "sends without reading; now the connection is broken");
    }
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::string address = listener.address();
    std::thread client([port = std::stoi(address.substr(address.rfind(':') + 1))] {
        Socket server = connect_to("127.0.0.1", static_cast<std::uint16_t>(port));
        server.send_all("hello");
        log_line("client:", "sends hello and gets " + server.recv(5));
        send_without_reading(server);
    });
    EventLoop loop;
    run(loop, echo_server(AsyncSocket(loop, std::move(listener))));
    client.join();
}
