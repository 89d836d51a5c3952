// For the tests of the exercises: they tell what they do, so that a reader who sees one fail knows
// what came before.
#pragma once

#include "common/socket.hpp"

#include <cstdio>
#include <string>
#include <string_view>

// How a test shows what it compares: a text as in the source, "a\0b\n", anything else as it is.
inline std::string shown(std::string_view text) {
    std::string literal = "\"";
    for (char byte : text) {
        auto value = static_cast<unsigned char>(byte);
        char octal[8];
        std::snprintf(octal, sizeof(octal), "\\%o", static_cast<unsigned>(value));
        bool is_readable = value >= 32 && value < 127;
        literal += byte == '\n' ? "\\n" : is_readable ? std::string(1, byte) : octal;
    }
    return literal + "\"";
}
inline std::string shown(const std::string& text) {
    return shown(std::string_view(text));
}
inline std::string shown(const char* text) {
    return shown(std::string_view(text));
}
template <typename T>
const T& shown(const T& value) {
    return value;
}
#define DOCTEST_STRINGIFY(...) toString(::shown(__VA_ARGS__))
#include <doctest/doctest.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <future>
#include <iostream>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <sys/ioctl.h>

// Printed and flushed at once: so it is there even if the next step crashes or never ends.
inline void step(std::string_view what) {
    std::cout << "    " << what << std::endl;
}

// Waits for a thread of std::async. If it does not end, neither could the test: the destructor
// of `thread` would wait for it. So the program ends.
inline void must_end(const std::future<void>& thread, std::string_view if_not) {
    if (thread.wait_for(std::chrono::seconds(6)) == std::future_status::timeout) {
        std::cout << "    ERROR: after 6 s " << if_not << std::endl;
        std::_Exit(1);
    }
}

// The same for what doctest itself does not know.
namespace doctest {

template <typename T>
struct StringMaker<std::vector<T>> {
    static String convert(const std::vector<T>& values) {
        String text = "[";
        for (std::size_t i = 0; i < values.size(); ++i) {
            text += (i == 0 ? "" : ", ") + toString(shown(values[i]));
        }
        return text + "]";
    }
};

template <typename A, typename B>
struct StringMaker<std::pair<A, B>> {
    static String convert(const std::pair<A, B>& both) {
        return "(" + toString(shown(both.first)) + ", " + toString(shown(both.second)) + ")";
    }
};

template <typename T>
struct StringMaker<std::optional<T>> {
    static String convert(const std::optional<T>& value) {
        return value ? toString(shown(*value)) : String("nothing");
    }
};

template <>
struct StringMaker<std::nullopt_t> {
    static String convert(std::nullopt_t) { return "nothing"; }
};

template <typename Number, typename Unit>
struct StringMaker<std::chrono::duration<Number, Unit>> {
    static String convert(const std::chrono::duration<Number, Unit>& duration) {
        double seconds = std::chrono::duration<double>(duration).count();
        bool is_short = seconds > -1 && seconds < 1;
        char text[40];
        std::snprintf(text, sizeof(text), is_short ? "%.9g ms" : "%.12g s",
                      is_short ? seconds * 1000 : seconds);
        return text;
    }
};

template <typename Clock, typename Duration>
struct StringMaker<std::chrono::time_point<Clock, Duration>> {
    static String convert(const std::chrono::time_point<Clock, Duration>& time) {
        return toString(time.time_since_epoch());
    }
};

} // namespace doctest

// Two ends of one connection, both blocking.
struct Connection {
    Socket server{-1, ""};
    Socket client{-1, ""};

    Connection() {
        Socket listener = listen_on("127.0.0.1", 0);
        client = connect_to("127.0.0.1", port_of(listener));
        server = listener.accept();
    }

    // Returns when the server has taken out of the kernel what the client has sent.
    void wait_until_received() const {
        int waiting = 1;
        while (::ioctl(server.fd(), FIONREAD, &waiting) == 0 && waiting > 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
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
              } catch (const std::exception& error) {
                  step(std::string("in the client's thread: ") + error.what());
                  client.close(); // so the server need not wait for more
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
void run_until(Loop& loop, Condition condition,
               const char* if_not = "what should happen next did not happen") {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(6);
    std::string message = std::string(if_not) + " within 6 s"; // one: doctest quotes each part
    while (!condition()) {
        bool is_in_time = std::chrono::steady_clock::now() < deadline;
        REQUIRE_MESSAGE(is_in_time, message);
        loop.call_later(std::chrono::milliseconds(1), [&loop] { loop.stop(); });
        loop.run_forever();
    }
}
