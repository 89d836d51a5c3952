// The echo server on the scheduler: the generators yield operations, the
// scheduler performs them.
#include "scheduler.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

class Accept : public Operation {
  public:
    explicit Accept(Socket& listener) : Operation(listener.fd(), READ), listener_(&listener) {}
    Socket result() {
        rethrow_error();
        return std::move(*client_);
    }

  private:
    bool perform() override {
        client_ = listener_->try_accept();
        return client_.has_value();
    }

    Socket* listener_;
    std::optional<Socket> client_;
};

class Receive : public Operation {
  public:
    Receive(Socket& socket, std::size_t max_bytes)
        : Operation(socket.fd(), READ), socket_(&socket), max_bytes_(max_bytes) {}
    std::string result() {
        rethrow_error();
        return std::move(*data_);
    }

  private:
    bool perform() override {
        data_ = socket_->try_recv(max_bytes_);
        return data_.has_value();
    }

    Socket* socket_;
    std::size_t max_bytes_;
    std::optional<std::string> data_;
};

// Sends once; the result is the number of bytes that the kernel has taken.
class Send : public Operation {
  public:
    Send(Socket& socket, std::string_view data)
        : Operation(socket.fd(), WRITE), socket_(&socket), data_(data) {}
    std::size_t result() {
        rethrow_error();
        return *sent_;
    }

  private:
    bool perform() override {
        sent_ = socket_->try_send(data_);
        return sent_.has_value();
    }

    Socket* socket_;
    std::string_view data_;
    std::optional<std::size_t> sent_;
};

// Serves one client. A Send may be short, so it takes a loop.
Routine<void> echo_handler(Socket client) {
    log_line(client.address(), "connected");
    try {
        while (true) {
            std::string data = co_yield Receive(client, 4096);
            if (data.empty()) {
                break;
            }
            std::string_view rest = data;
            while (!rest.empty()) {
                rest.remove_prefix(co_yield Send(client, rest));
            }
        }
        log_line(client.address(), "disconnected");
    } catch (const std::exception& error) {
        log_line(client.address(), error.what());
    }
}

// Accepts clients, for ever.
Routine<void> echo_server(Socket listener, Scheduler& scheduler) {
    log_listening(listener.address());
    listener.set_blocking(false);
    while (true) {
        try {
            Socket client = co_yield Accept(listener);
            scheduler.submit(echo_handler(std::move(client)));
            continue;
        } catch (const std::system_error& error) {
            if (is_broken_listener(error)) {
                scheduler.stop(std::current_exception());
                co_return;
            }
            log_line(listener.address(), error.what());
        }
        // No free descriptor, say: without a pause it would spin.
        co_yield Sleep(std::chrono::milliseconds(100));
    }
}

int main(int argc, char** argv) {
    try {
        LoopServerOptions options = parse_loop_server_options(argc, argv);
        Scheduler scheduler(make_selector(options.selector));
        scheduler.submit(echo_server(listen_on(options.host, options.port), scheduler));
        scheduler.run();
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
