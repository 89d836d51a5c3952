// The report as JSON, for programs. Each key ends with the unit of its number, where it has
// one; null stands for what was not measured, and "why_null" says why.
#include "tour/json.hpp"
#include "tour/report.hpp"

#include <utility>

namespace {

using json::array;
using json::Members;
using json::number;
using json::object;
using json::text;

std::string number(const Number& value) {
    std::optional<double> median = value.median();
    return median ? number(*median) : "null";
}

std::string rounds(const Number& value) {
    std::vector<std::string> numbers;
    for (double round : value.rounds) {
        numbers.push_back(number(round));
    }
    return array(numbers);
}

std::string client_json(const WatchedClient& client) {
    std::vector<std::string> lines;
    for (const WatchedLine& line : client.lines) {
        lines.push_back(
            object({{"sent_ms", number(line.sent_ms)}, {"echoed_ms", number(line.echoed_ms)}}));
    }
    return object({{"connecting_ms", number(client.connecting_ms)},
                   {"connected_ms", number(client.connected_ms)},
                   {"lines", array(lines)},
                   {"closed_ms", number(client.closed_ms)}});
}

std::string watched_json(const Watched& watched) {
    std::vector<std::string> clients;
    for (const WatchedClient& client : watched.clients) {
        clients.push_back(client_json(client));
    }
    return object({{"wall_ms", number(watched.wall_ms)},
                   {"longest_wait_ms", number(watched.longest_wait_ms())},
                   {"clients", array(clients, ",\n       ")}},
                  ",\n      ");
}

std::string load_json(const LoadNumbers& load, std::size_t idle_clients) {
    Members members{{"active_clients", number(double(load.active_clients))},
                    {"idle_clients", number(load.has_idle_clients ? double(idle_clients) : 0)},
                    {"round_trips", number(double(load.round_trips))},
                    {"round_trips_per_s", number(load.round_trips_per_second)},
                    {"rounds_of_round_trips_per_s", rounds(load.round_trips_per_second)},
                    {"p99_latency_us", number(load.p99_us)},
                    {"rounds_of_p99_latency_us", rounds(load.p99_us)},
                    {"server_cpu_us_per_round_trip", number(load.cpu_us)},
                    {"rounds_of_server_cpu_us_per_round_trip", rounds(load.cpu_us)}};
    if (!load.cpu_us.median()) {
        members.emplace_back("why_null", text(load.cpu_us.why_not));
    }
    return object(members);
}

std::string measured_json(const Measured& measured) {
    std::vector<std::string> loads;
    for (const LoadNumbers& load : measured.loads) {
        loads.push_back(load_json(load, measured.idle_clients));
    }
    Members members{{"clients_tried", number(double(measured.clients_tried))},
                    {"clients_served_at_once", number(measured.clients_served)},
                    {"threads", number(measured.threads)},
                    {"loads", array(loads, ",\n       ")},
                    {"system_calls_per_round_trip", number(measured.system_calls)},
                    {"idle_clients", number(double(measured.idle_clients))},
                    {"memory_bytes_per_idle_client", number(measured.memory_bytes)},
                    {"handler_code_lines", number(measured.handler_lines)}};
    Members reasons;
    for (auto& [name, value] :
         {std::pair("system_calls_per_round_trip", measured.system_calls),
          std::pair("memory_bytes_per_idle_client", measured.memory_bytes),
          std::pair("handler_code_lines", measured.handler_lines)}) {
        if (!value.median()) {
            reasons.emplace_back(name, text(value.why_not));
        }
    }
    if (!reasons.empty()) {
        members.emplace_back("why_null", object(reasons));
    }
    return object(members, ",\n      ");
}

std::string stage_json(const StageReport& report) {
    return object({{"stage", text(report.stage.name)},
                   {"watched", report.watched ? watched_json(*report.watched) : "null"},
                   {"measured", report.measured ? measured_json(*report.measured) : "null"}},
                  ",\n     ");
}

} // namespace

std::string as_json(const Report& report) {
    std::string machine = object({{"cores", number(report.machine.cores)},
                                  {"kernel", text(report.machine.kernel)},
                                  {"compiler", text(report.machine.compiler)},
                                  {"build_type", text(report.machine.build_type)},
                                  {"share_of_cores", number(report.share_of_cores)}});
    std::string settings =
        object({{"quick", report.is_quick ? "true" : "false"},
                {"thinking_ms", number(double(ALL_AT_ONCE.thinking.count()))},
                {"rounds", number(ROUNDS)},
                {"window_s", number(report.window_s)},
                {"message_bytes", "64"}});
    std::vector<std::string> stages;
    for (const StageReport& stage : report.stages) {
        stages.push_back(stage_json(stage));
    }
    return object({{"machine", machine},
                   {"settings", settings},
                   {"stages", array(stages, ",\n    ")}},
                  ",\n ") +
           "\n";
}
