#include "tour/watch.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <future>
#include <thread>
#include <utility>

namespace {

using Clock = std::chrono::steady_clock;

struct Stopwatch {
    Clock::time_point start = Clock::now();
    double ms() const {
        return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }
};

// What a client does once it is connected, in its own thread. Returns `seen` with the rest.
WatchedClient slow_client(std::size_t number, const Scene& scene, Socket client,
                          const Stopwatch& stopwatch, WatchedClient seen) {
    for (std::size_t i = 1; i <= scene.lines; ++i) {
        std::string line =
            "client " + std::to_string(number) + ", line " + std::to_string(i) + "\n";
        double sent = stopwatch.ms();
        round_trip(client, line);
        seen.lines.push_back({sent, stopwatch.ms()});
        if (i < scene.lines) {
            std::this_thread::sleep_for(scene.thinking);
        }
    }
    client.close();
    seen.closed_ms = stopwatch.ms();
    return seen;
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
    Stopwatch stopwatch;
    std::vector<std::future<WatchedClient>> clients; // each in a thread of its own
    for (std::size_t i = 1; i <= scene.clients; ++i) {
        std::this_thread::sleep_for(scene.apart);
        WatchedClient seen{};
        seen.connecting_ms = stopwatch.ms();
        Socket client = connect_client(server); // here, so that they queue in this order
        seen.connected_ms = stopwatch.ms();
        clients.push_back(std::async(std::launch::async, slow_client, i, std::cref(scene),
                                     std::move(client), std::cref(stopwatch), seen));
    }
    Watched watched{scene, stopwatch.start, {}, 0};
    for (std::future<WatchedClient>& client : clients) {
        watched.clients.push_back(client.get());
        watched.wall_ms = std::max(watched.wall_ms, watched.clients.back().closed_ms);
    }
    return watched;
}
