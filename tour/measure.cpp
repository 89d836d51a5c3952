#include "tour/measure.hpp"

#include "tour/load.hpp"
#include "tour/server.hpp"
#include "tour/syscalls.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace {

using Progress = std::function<void(const std::string&)>;
using namespace std::chrono_literals;

constexpr std::size_t CROWD = 2000; // that tries to be served at once
constexpr std::size_t SMALL_CROWD = 100;
constexpr std::size_t BESIDE_IDLE = 50;       // active clients
constexpr std::size_t OTHER_DESCRIPTORS = 64; // that a program needs for itself
constexpr std::size_t TRACED_ROUND_TRIPS = 1000;

const char* const ONE_AT_A_TIME = "it serves one client at a time";

Number measured(double value) {
    return {value, ""};
}
Number not_measured(const std::string& why_not) {
    return {std::nullopt, why_not};
}

LoadNumbers no_load(std::size_t active, bool has_idle_clients, const std::string& why_not) {
    Number none = not_measured(why_not);
    return {active, has_idle_clients, 0, none, none, none};
}

LoadNumbers exchange(Crowd& crowd, std::size_t active, bool has_idle_clients,
                     const Effort& effort) {
    Speed speed = crowd.exchange(active, effort.window);
    return {active,
            has_idle_clients,
            speed.round_trips,
            measured(speed.round_trips_per_second()),
            measured(speed.p99_seconds * 1e6),
            measured(speed.server_cpu_per_round_trip() * 1e6)};
}

void measure_crowd(const Stage& stage, const Effort& effort, Measured& result) {
    std::size_t room = effort.descriptors - OTHER_DESCRIPTORS;
    std::size_t count = stage.one_at_a_time ? SMALL_CROWD : std::min(CROWD, room);
    std::optional<Crowd> crowd; // outlives the server, see Crowd
    with_server(stage, [&](ServerProcess& server) {
        crowd.emplace(server);
        // Of a server that takes one at a time the others would wait for ever.
        std::size_t served =
            crowd->add_those_served(count, stage.one_at_a_time ? 1s : CLIENT_PATIENCE);
        bool may_serve_fewer = stage.one_at_a_time || stage.may_refuse;
        if (served == 0 || (served < count && !may_serve_fewer)) {
            throw std::runtime_error("only " + std::to_string(served) + " of " +
                                     std::to_string(count) + " clients got an answer");
        }
        result.clients_tried = count;
        result.clients_served = measured(double(served));
        result.threads = measured(double(server.thread_count()));
    });
}

void measure_load(const Stage& stage, const Effort& effort, const Progress& progress,
                  Measured& result) {
    std::optional<Crowd> crowd;
    with_server(stage, [&](ServerProcess& server) {
        crowd.emplace(server);
        std::size_t connected = 0;
        for (std::size_t active : {std::size_t{1}, std::size_t{50}, std::size_t{500}}) {
            if (stage.one_at_a_time && active > 1) {
                result.loads.push_back(no_load(active, false, ONE_AT_A_TIME));
                continue;
            }
            progress("clients that send: " + std::to_string(active));
            crowd->add(active - connected);
            connected = active;
            result.loads.push_back(exchange(*crowd, active, false, effort));
        }
    });
}

void measure_idle(const Stage& stage, const Effort& effort, Measured& result) {
    if (stage.idle_clients == 0) {
        result.memory_bytes = not_measured(ONE_AT_A_TIME);
        result.loads.push_back(no_load(BESIDE_IDLE, true, ONE_AT_A_TIME));
        return;
    }
    result.idle_clients = std::min({stage.idle_clients, effort.most_idle_clients,
                                    effort.descriptors - OTHER_DESCRIPTORS - BESIDE_IDLE});
    std::optional<Crowd> crowd;
    with_server(stage, [&](ServerProcess& server) {
        {
            Crowd first(server); // what the server needs for whatever number of clients
            first.add(1);
        }
        std::size_t before = server.memory_bytes();
        crowd.emplace(server);
        crowd->add(result.idle_clients);
        double more = double(server.memory_bytes()) - double(before);
        result.memory_bytes = measured(more / double(result.idle_clients));

        crowd->add(BESIDE_IDLE);
        result.loads.push_back(exchange(*crowd, BESIDE_IDLE, true, effort));
    });
}

void measure_system_calls(const Stage& stage, Measured& result) {
    with_server(stage, [&](ServerProcess& server) {
        SystemCalls seen = count_system_calls(server, TRACED_ROUND_TRIPS);
        result.system_calls = seen.round_trips == 0
                                  ? not_measured(seen.problem)
                                  : measured(double(seen.calls) / double(seen.round_trips));
    });
}

} // namespace

Measured measure(const Stage& stage, const Effort& effort, const Progress& progress) {
    Measured result;
    progress("how many clients at once");
    measure_crowd(stage, effort, result);
    measure_load(stage, effort, progress, result);
    progress("idle clients");
    measure_idle(stage, effort, result);
    progress("system calls");
    measure_system_calls(stage, result);
    std::optional<std::size_t> lines = count_handler_lines(stage);
    result.handler_lines =
        lines ? measured(double(*lines)) : not_measured("its source cannot be read");
    return result;
}
