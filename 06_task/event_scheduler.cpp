// The echo server on the scheduler: the generators yield operations, and the scheduler performs
// them.
#include "scheduler.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

// Calls `try_to` until it returns a value, which is the result.
template <typename Try>
class Attempt : public Operation {
  public:
    Attempt(int fd, Events event, Try try_to) : Operation(fd, event), try_to_(try_to) {}
    auto await_resume() {
        rethrow_error();
        return std::move(*result_);
    }

  private:
    bool perform() override {
        result_ = try_to_();
        return result_.has_value();
    }

    Try try_to_;
    std::invoke_result_t<Try> result_; // an optional
};

auto accept(ScheduledSocket& listener) {
    return Attempt(listener.fd(), READ, [&listener] { return listener.try_accept(); });
}

auto recv(ScheduledSocket& socket, std::size_t max_bytes) {
    return Attempt(socket.fd(), READ,
                   [&socket, max_bytes] { return socket.try_recv(max_bytes); });
}

// Sends once; the result is the number of bytes that the kernel has taken.
auto send(ScheduledSocket& socket, std::string_view data) {
    return Attempt(socket.fd(), WRITE, [&socket, data] { return socket.try_send(data); });
}

// Serves one client. A send may be short, so it takes a loop.
Routine<void> echo_handler(ScheduledSocket client) {
    log_line(client.address(), "connected");
    try {
        while (true) {
            std::string data = co_yield recv(client, 4096);
            if (data.empty()) {
                break;
            }
            std::string_view rest = data;
            while (!rest.empty()) {
                rest.remove_prefix(co_yield send(client, rest));
            }
        }
        log_line(client.address(), "disconnected");
    } catch (const std::exception& error) {
        log_line(client.address(), error.what());
    }
}

// Accepts clients, without end.
Routine<void> echo_server(ScheduledSocket listener, Scheduler& scheduler) {
    log_listening(listener.address());
    while (true) {
        try {
            Socket client = co_yield accept(listener);
            scheduler.submit(echo_handler({scheduler, std::move(client)}));
            continue;
        } catch (const std::system_error& error) {
            if (is_broken_listener(error)) {
                scheduler.stop(std::current_exception());
                co_return;
            }
            log_line(listener.address(), error.what());
        }
        // No free descriptor, say: without a pause the loop would spin.
        co_yield Sleep(std::chrono::milliseconds(100));
    }
}

int main(int argc, char** argv) {
    try {
        LoopServerOptions options = parse_loop_server_options(argc, argv);
        Scheduler scheduler(make_selector(options.selector));
        ScheduledSocket listener(scheduler, listen_on(options.host, options.port));
        scheduler.submit(echo_server(std::move(listener), scheduler));
        scheduler.run();
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
