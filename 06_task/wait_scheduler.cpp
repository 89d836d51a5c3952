// The echo server on the scheduler once more, in the other form: the generators only yield
// "wait until this can be read", and do the rest themselves. accept, recv and send_all are
// generators; `elements_of` passes their waits on to the scheduler. This is how asyncio began.
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

class Wait : public Operation {
  public:
    using Operation::Operation;
    void await_resume() const { rethrow_error(); }

  private:
    // Nothing: it has waited. But the scheduler tries a WRITE before it waits.
    bool perform() override { return std::exchange(has_waited_, true); }

    bool has_waited_ = event() == READ;
};

Routine<Socket> accept(ScheduledSocket& listener) {
    while (true) {
        co_yield Wait(listener.fd(), READ);
        if (std::optional<Socket> client = listener.try_accept()) {
            co_return std::move(*client);
        }
    }
}

Routine<std::string> recv(ScheduledSocket& socket, std::size_t max_bytes) {
    while (true) {
        co_yield Wait(socket.fd(), READ);
        if (std::optional<std::string> data = socket.try_recv(max_bytes)) {
            co_return std::move(*data);
        }
    }
}

Routine<void> send_all(ScheduledSocket& socket, std::string_view data) {
    while (true) {
        data.remove_prefix(socket.try_send(data).value_or(0));
        if (data.empty()) {
            co_return;
        }
        co_yield Wait(socket.fd(), WRITE);
    }
}

// Serves one client.
Routine<void> echo_handler(ScheduledSocket client) {
    log_line(client.address(), "connected");
    try {
        while (true) {
            std::string data = co_yield elements_of(recv(client, 4096));
            if (data.empty()) {
                break;
            }
            co_yield elements_of(send_all(client, data));
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
            Socket client = co_yield elements_of(accept(listener));
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
