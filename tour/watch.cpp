#include "tour/watch.hpp"

#include "tour/load.hpp"

#include "async_socket.hpp"
#include "event_loop.hpp"
#include "task.hpp"

#include "common/socket.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace {

struct Stopwatch {
    Clock::time_point start = Clock::now();
    double ms() const {
        return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }
};

Coroutine<void> slow_client(std::size_t number, const Scene& scene, const Endpoint& server,
                            const Stopwatch& stopwatch, WatchedClient& seen) {
    co_await sleep(scene.apart * number);
    seen.connecting_ms = stopwatch.ms();
    {
        AsyncSocket socket = co_await AsyncSocket::connect(server);
        seen.connected_ms = stopwatch.ms();
        for (std::size_t i = 1; i <= scene.lines; ++i) {
            std::string line =
                "client " + std::to_string(number) + ", line " + std::to_string(i) + "\n";
            double sent = stopwatch.ms();
            co_await round_trip(socket, line);
            seen.lines.push_back({sent, stopwatch.ms()});
            if (i < scene.lines) {
                co_await sleep(scene.thinking);
            }
        }
    }
    seen.closed_ms = stopwatch.ms();
}

} // namespace

double Watched::longest_wait_ms() const {
    double longest = 0;
    for (const WatchedClient& client : clients) {
        for (const WatchedLine& line : client.lines) {
            longest = std::max(longest, line.echoed_ms - line.sent_ms);
        }
    }
    return longest;
}

bool Watched::is_one_at_a_time() const {
    return longest_wait_ms() >= double(scene.thinking.count());
}

std::string Watched::summary() const {
    std::array<char, 120> text{};
    std::snprintf(text.data(), text.size(),
                  is_one_at_a_time()
                      ? "One after the other: the longest wait for an answer was %.0f ms."
                      : "All at once: the longest wait for an answer was %.1f ms.",
                  longest_wait_ms());
    return text.data();
}

Watched watch(const ServerProcess& server, const Scene& scene) {
    Endpoint endpoint = resolve("127.0.0.1", server.port()).front();
    EventLoop loop;
    Stopwatch stopwatch;
    Watched watched{scene, stopwatch.start, std::vector<WatchedClient>(scene.clients), 0};
    std::vector<Coroutine<void>> coroutines;
    for (std::size_t i = 0; i < scene.clients; ++i) {
        coroutines.push_back(
            slow_client(i + 1, scene, endpoint, stopwatch, watched.clients[i]));
    }
    run_all_to_the_end(loop, std::move(coroutines));
    for (const WatchedClient& client : watched.clients) {
        watched.wall_ms = std::max(watched.wall_ms, client.closed_ms);
    }
    return watched;
}
