// For the tests of the exercises: they tell what they do, so that whoever sees one fail knows
// what came before.
#pragma once

#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

// Printed and flushed at once: so it is there even if the next step crashes or never ends.
inline void step(std::string_view what) {
    std::cout << "    " << what << std::endl;
}

// Two ends of one connection, both blocking.
struct Connection {
    Socket server{-1, ""};
    Socket client{-1, ""};

    Connection() {
        Socket listener = listen_on("127.0.0.1", 0);
        client = connect_to("127.0.0.1", port_of(listener));
        server = listener.accept();
    }

    static std::uint16_t port_of(const Socket& listener) {
        std::string_view port = listener.address();
        port.remove_prefix(port.rfind(':') + 1);
        std::uint16_t number = 0;
        std::from_chars(port.data(), port.data() + port.size(), number);
        return number;
    }
};

// A client in a thread of its own, for what would not fit into the kernel's buffers. At the end
// of the block, even if that is left by an exception, the server closes the connection; so the
// client ends, too.
class ClientThread {
  public:
    ClientThread(Connection& connection, std::function<void(Socket&)> run)
        : server_(connection.server), thread_([&client = connection.client, run] {
              try {
                  run(client);
              } catch (const std::system_error&) { // the server has closed the connection
              }
          }) {}
    ClientThread(const ClientThread&) = delete;
    ClientThread& operator=(const ClientThread&) = delete;
    ~ClientThread() {
        server_.close();
        thread_.join();
    }

  private:
    Socket& server_;
    std::thread thread_;
};

// Runs an event loop, that of whichever stage, until `condition` holds. Fails
// instead of hanging.
template <typename Loop, typename Condition>
void run_until(Loop& loop, Condition condition) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        bool is_in_time = std::chrono::steady_clock::now() < deadline;
        REQUIRE_MESSAGE(is_in_time, "what should happen next did not happen within 10 s");
        loop.call_later(std::chrono::milliseconds(1), [&loop] { loop.stop(); });
        loop.run_forever();
    }
}
