#include "tour/load.hpp"

#include "run.hpp"
#include "task.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

const std::string MESSAGE = std::string(63, 'm') + '\n';

double in_seconds(nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

void check_echo(const std::string& data, std::string_view expected) {
    if (!expected.starts_with(data)) {
        throw std::runtime_error("a client got other bytes than it had sent");
    }
}

double percentile_99(std::vector<nanoseconds>& times) {
    auto rank = static_cast<std::ptrdiff_t>((times.size() - 1) * 99 / 100);
    std::nth_element(times.begin(), times.begin() + rank, times.end());
    return in_seconds(times[static_cast<std::size_t>(rank)]);
}

// Runs the coroutines side by side until all have ended. Returns false if `limit` passes before
// that; those that have not ended are cancelled. Throws what the first of them has thrown.
[[nodiscard]] bool run_all(EventLoop& loop, std::vector<Coroutine<void>> coroutines,
                           nanoseconds limit) {
    std::size_t running = coroutines.size();
    std::exception_ptr error;
    bool is_over = false;
    for (Coroutine<void>& coroutine : coroutines) {
        create_task(loop, std::move(coroutine)).add_done_callback([&](Future<void> ended) {
            --running;
            if (!ended.cancelled() && ended.exception() && !error) {
                error = ended.exception();
            }
            if (!is_over && (running == 0 || error)) {
                loop.stop();
            }
        });
    }
    Handle timer = loop.call_later(limit, [&loop] { loop.stop(); });
    loop.run_forever();
    timer.cancel();
    is_over = true;
    bool all_have_ended = running == 0;
    cancel_all_tasks(loop);
    if (error) {
        std::rethrow_exception(error);
    }
    return all_have_ended;
}

// The same; throws std::runtime_error if `limit` passes.
void run_all_to_the_end(EventLoop& loop, std::vector<Coroutine<void>> coroutines,
                        nanoseconds limit = CLIENT_PATIENCE) {
    if (!run_all(loop, std::move(coroutines), limit)) {
        auto waited = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
        throw std::runtime_error("a client still waits for its answer after " +
                                 std::to_string(waited) + " seconds");
    }
}

// Sends `message`, which must stay alive until then, and waits for its echo.
Coroutine<void> round_trip(AsyncSocket socket, std::string_view message) {
    co_await socket.send_all(message);
    while (!message.empty()) {
        std::string data = co_await socket.recv(message.size());
        if (data.empty()) {
            throw std::runtime_error("the server has closed the connection of a client");
        }
        check_echo(data, message);
        message.remove_prefix(data.size());
    }
}

} // namespace

struct Crowd::Window {
    bool is_open = false;
    bool is_over = false;
    std::vector<nanoseconds> times; // each round trip's
};

Crowd::Crowd(const ServerProcess& server)
    : server_(server), endpoint_(resolve("127.0.0.1", server.port()).front()) {}

void Crowd::add(std::size_t count) {
    constexpr std::size_t AT_A_TIME = 50; // a listener's queue is not endless
    std::vector<Coroutine<void>> coroutines;
    for (std::size_t i = 0; i < AT_A_TIME; ++i) {
        coroutines.push_back(join(count / AT_A_TIME + (i < count % AT_A_TIME ? 1 : 0)));
    }
    run_all_to_the_end(loop_, std::move(coroutines));
}

Coroutine<void> Crowd::join(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        AsyncSocket socket = co_await AsyncSocket::connect(endpoint_);
        co_await round_trip(socket, MESSAGE);
        clients_.push_back(socket);
    }
}

std::size_t Crowd::add_those_served(std::size_t count, nanoseconds limit) {
    std::size_t served = 0;
    std::vector<Coroutine<void>> coroutines;
    for (std::size_t i = 0; i < count; ++i) {
        coroutines.push_back(try_to_join(served));
    }
    (void)run_all(loop_, std::move(coroutines), limit); // that not all end is what we look for
    return served;
}

Coroutine<void> Crowd::try_to_join(std::size_t& served) {
    AsyncSocket socket = co_await AsyncSocket::connect(endpoint_);
    clients_.push_back(socket); // stays connected, whatever comes
    std::string data;
    try {
        co_await socket.send_all(MESSAGE);
        data = co_await socket.recv(MESSAGE.size());
    } catch (const std::system_error&) {
        // A reset: the server has closed the connection before it read our message.
    }
    check_echo(data, MESSAGE);
    served += data.empty() ? 0 : 1;
}

Speed Crowd::exchange(std::size_t active, nanoseconds window_length) {
    Window window;
    Speed speed;
    Clock::time_point start;
    nanoseconds warm_up = std::min<nanoseconds>(window_length / 2, 200ms);
    loop_.call_later(warm_up, [&] {
        speed.server_cpu_seconds = -server_.cpu_seconds();
        start = Clock::now();
        window.is_open = true;
        loop_.call_later(window_length, [&] { // from now: it may be late
            speed.server_cpu_seconds += server_.cpu_seconds();
            speed.seconds = in_seconds(Clock::now() - start);
            window.is_open = false;
            window.is_over = true;
        });
    });

    std::vector<Coroutine<void>> coroutines;
    for (std::size_t i = 0; i < active; ++i) {
        coroutines.push_back(keep_sending(clients_.at(i), window));
    }
    run_all_to_the_end(loop_, std::move(coroutines), window_length + CLIENT_PATIENCE);
    if (window.times.empty()) {
        throw std::runtime_error("not one round trip while the tour measured");
    }
    speed.round_trips = window.times.size();
    speed.p99_seconds = percentile_99(window.times);
    return speed;
}

Coroutine<void> Crowd::keep_sending(AsyncSocket socket, Window& window) {
    while (!window.is_over) {
        Clock::time_point start = Clock::now();
        co_await round_trip(socket, MESSAGE);
        if (window.is_open) {
            window.times.push_back(Clock::now() - start);
        }
    }
}
