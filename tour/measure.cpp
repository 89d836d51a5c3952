#include "tour/measure.hpp"

#include "tour/load.hpp"
#include "tour/server.hpp"
#include "tour/syscalls.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t CROWD = 2000; // that tries to be served at once
constexpr std::size_t SMALL_CROWD = 100;
constexpr std::size_t OTHER_DESCRIPTORS = 64; // that a program needs for itself
constexpr std::size_t TRACED_ROUND_TRIPS = 1000;

const char* const ONE_AT_A_TIME = "it serves one client at a time";
const char* const TOO_FEW = "too few descriptors are allowed";

std::size_t most_clients(const Effort& effort) {
    return effort.descriptors - std::min(effort.descriptors, OTHER_DESCRIPTORS);
}

void skip(LoadNumbers& load, const std::string& why_not) {
    for (Number* number : {&load.round_trips_per_second, &load.p99_us, &load.cpu_us}) {
        number->why_not = why_not;
    }
}

void exchange(Crowd& crowd, const Effort& effort, LoadNumbers& load) {
    Speed speed = crowd.exchange(load.active_clients, effort.window);
    load.round_trips += speed.round_trips;
    load.round_trips_per_second.rounds.push_back(speed.round_trips_per_second());
    load.p99_us.rounds.push_back(speed.p99_seconds * 1e6);
    load.cpu_us.rounds.push_back(speed.server_cpu_per_round_trip() * 1e6);
}

void measure_crowd(const Stage& stage, const Effort& effort, Measured& result) {
    std::size_t count =
        std::min(stage.one_at_a_time ? SMALL_CROWD : CROWD, most_clients(effort));
    if (count == 0) {
        result.clients_served.why_not = TOO_FEW;
        result.threads.why_not = TOO_FEW;
        return;
    }
    std::optional<Crowd> crowd; // outlives the server, see Crowd
    with_server(stage, [&](ServerProcess& server) {
        crowd.emplace(server);
        // Of a server that takes one at a time the others would wait without end.
        std::size_t served =
            crowd->add_those_served(count, stage.one_at_a_time ? 1s : CLIENT_PATIENCE);
        bool may_serve_fewer = stage.one_at_a_time || stage.may_refuse;
        if (served == 0 || (served < count && !may_serve_fewer)) {
            throw std::runtime_error("only " + std::to_string(served) + " of " +
                                     std::to_string(count) + " clients got an answer");
        }
        result.clients_tried = count;
        result.clients_served.rounds.push_back(double(served));
        result.threads.rounds.push_back(double(server.thread_count()));
    });
}

void measure_load(const Stage& stage, const Effort& effort, const Progress& progress,
                  Measured& result) {
    std::optional<Crowd> crowd;
    with_server(stage, [&](ServerProcess& server) {
        crowd.emplace(server);
        std::size_t connected = 0;
        for (LoadNumbers& load : result.loads) {
            if (load.has_idle_clients) {
                continue; // see measure_idle
            }
            if (stage.one_at_a_time && load.active_clients > 1) {
                skip(load, ONE_AT_A_TIME);
                continue;
            }
            if (load.active_clients > most_clients(effort)) {
                skip(load, TOO_FEW);
                continue;
            }
            progress("clients that send: " + std::to_string(load.active_clients));
            crowd->add(load.active_clients - connected);
            connected = load.active_clients;
            exchange(*crowd, effort, load);
        }
    });
}

void measure_idle(const Stage& stage, const Effort& effort, Measured& result) {
    LoadNumbers& load = result.loads.back();
    std::size_t room = most_clients(effort);
    if (stage.idle_clients == 0 || room <= load.active_clients) {
        const char* why_not = stage.idle_clients == 0 ? ONE_AT_A_TIME : TOO_FEW;
        result.memory_bytes.why_not = why_not;
        skip(load, why_not);
        return;
    }
    result.idle_clients =
        std::min({stage.idle_clients, effort.most_idle_clients, room - load.active_clients});
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
        result.memory_bytes.rounds.push_back(more / double(result.idle_clients));

        crowd->add(load.active_clients);
        exchange(*crowd, effort, load);
    });
}

void measure_system_calls(const Stage& stage, Measured& result) {
    with_server(stage, [&](ServerProcess& server) {
        SystemCalls seen = count_system_calls(server, TRACED_ROUND_TRIPS);
        if (seen.round_trips == 0) {
            result.system_calls.why_not = seen.problem;
        } else {
            result.system_calls.rounds.push_back(double(seen.calls) / double(seen.round_trips));
        }
    });
}

} // namespace

std::optional<double> Number::median() const {
    if (rounds.empty()) {
        return std::nullopt;
    }
    std::vector<double> sorted = rounds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
}

double Number::difference() const {
    auto [lowest, highest] = std::minmax_element(rounds.begin(), rounds.end());
    return (*highest - *lowest) / *median();
}

Measured measure_counts(const Stage& stage, const Effort& effort, const Progress& progress) {
    Measured result;
    progress("how many clients at once");
    measure_crowd(stage, effort, result);
    progress("system calls");
    measure_system_calls(stage, result);
    if (std::optional<std::size_t> lines = count_handler_lines(stage)) {
        result.handler_lines.rounds.push_back(double(*lines));
    } else {
        result.handler_lines.why_not = "its source cannot be read";
    }
    return result;
}

void measure_round(const Stage& stage, const Effort& effort, const Progress& progress,
                   Measured& result) {
    measure_load(stage, effort, progress, result);
    progress("idle clients");
    measure_idle(stage, effort, result);
}
