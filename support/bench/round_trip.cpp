// What one round trip costs a server: instructions and heap allocations, counted by valgrind,
// system calls, counted by strace, and CPU time, compared with that of a server on epoll alone.
//
//     round_trip [--quick] ECHO_SERVER...
#include "busy_clients.hpp"

#include "common/command_line.hpp"
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

const char* const USAGE = "usage: round_trip [--quick] ECHO_SERVER...\n";

struct Effort {
    std::size_t round_trips = 1000; // that are counted
    std::size_t idle_clients = 1000;
    std::chrono::milliseconds window = 200ms;
    int windows = 9; // in which CPU time is measured; the median counts
};

// "build/tour/04_callbacks/echo_server" -> "04_callbacks", "asyncio/many_loops" as it is
std::string name_of(const std::filesystem::path& server) {
    std::string folder = server.parent_path().filename();
    return server.filename() == "echo_server" ? folder : server.filename().string();
}

// ---- counts

struct Counter {
    Strings command; // that runs a server
    std::string label;
    bool is_before; // the label stands before the number, otherwise after it
};

const Counter INSTRUCTIONS = {
    {"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"}, "Collected : ", true};
const Counter ALLOCATIONS = {
    {"valgrind", "--tool=memcheck", "--leak-check=no"}, "total heap usage: ", true};
const Counter SYSTEM_CALLS = {{"strace", "-f", "-c", "-U", "calls,name"}, " total", false};

bool has(const Counter& counter) {
    std::string look = "command -v " + counter.command.front();
    return run_program("/usr/bin/env", {"sh", "-c", look}).ending.status == 0;
}

// "total heap usage: 1,234 allocs" or "1234 total"
double number_in(const std::string& text, const Counter& counter) {
    const std::string digits = "0123456789,";
    std::size_t label = text.find(counter.label);
    if (label == std::string::npos) {
        throw std::runtime_error(counter.command.front() + " does not say '" + counter.label +
                                 "' but: " + text);
    }
    std::size_t start = counter.is_before ? label + counter.label.size()
                                          : text.find_last_not_of(digits, label - 1) + 1;
    std::string number = text.substr(start, text.find_first_not_of(digits, start) - start);
    std::erase(number, ',');
    return std::stod(number);
}

// What is counted when the server ends after so many round trips.
double count_all(const Counter& counter, const std::string& server, std::size_t clients,
                 std::size_t round_trips) {
    ServerSetup setup;
    setup.arguments = counter.command;
    setup.arguments.insert(setup.arguments.end(), {server, "--port", "0", "--quiet"});
    setup.collect_errors = true;
    ServerProcess process("/usr/bin/env", setup);
    {
        BusyClients busy(process.port(), clients, 64);
        for (std::size_t i = 0; i < round_trips; i += clients) {
            busy.talk(0ms);
        }
    }
    process.signal(SIGTERM); // strace passes it on
    return number_in(process.errors_until("(to the end)"), counter);
}

// For one round trip: starting, connecting and ending count in both runs.
std::string count_one(const Counter& counter, const std::string& server, std::size_t clients,
                      const Effort& effort) {
    if (!has(counter)) {
        return "-";
    }
    std::size_t n = effort.round_trips;
    double twice = count_all(counter, server, clients, 2 * n);
    double count = (twice - count_all(counter, server, clients, n)) / static_cast<double>(n);
    char text[32];
    std::snprintf(text, sizeof text, count < 100 ? "%.2f" : "%.0f", count);
    return text;
}

// Memory of a server for a client that is connected and silent.
double bytes_when_idle(const std::string& server, const Effort& effort) {
    ServerProcess process(server);
    BusyClients first(process.port(), 1, 64);
    std::size_t before = process.memory_bytes();
    BusyClients idle(process.port(), effort.idle_clients, 64);
    return (static_cast<double>(process.memory_bytes()) - static_cast<double>(before)) /
           static_cast<double>(effort.idle_clients);
}

void print_counts(const Strings& servers, const Effort& effort) {
    for (const Counter& counter : {INSTRUCTIONS, SYSTEM_CALLS}) {
        if (!has(counter)) {
            std::printf("not counted: %s is not installed\n", counter.command.front().c_str());
        }
    }
    std::puts(
        "                    a round trip of 64 bytes            system calls      bytes");
    std::puts("                    instructions  allocations  1 client  50 busy   when idle");
    for (const std::string& server : servers) {
        std::printf("  %-18s %11s %12s %9s %8s %11.0f\n", name_of(server).c_str(),
                    count_one(INSTRUCTIONS, server, 1, effort).c_str(),
                    count_one(ALLOCATIONS, server, 1, effort).c_str(),
                    count_one(SYSTEM_CALLS, server, 1, effort).c_str(),
                    count_one(SYSTEM_CALLS, server, 50, effort).c_str(),
                    bytes_when_idle(server, effort));
        std::fflush(stdout);
    }
}

// ---- CPU time

#ifdef EPOLL_SERVER

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Running {
    ServerProcess server;
    BusyClients clients;
    Running(const std::string& program, std::size_t number, std::size_t bytes)
        : server(program), clients(server.port(), number, bytes) {}

    // Of the server, for one round trip.
    double cpu_seconds(std::chrono::milliseconds window) {
        double before = server.cpu_seconds();
        std::size_t round_trips = clients.talk(window);
        return (server.cpu_seconds() - before) / static_cast<double>(round_trips);
    }
};

// The CPU time of the server on epoll over that of each server. The windows of all servers take
// turns: whatever else the machine does meets all of them.
std::vector<double> compare_with_epoll(const Strings& servers, std::size_t clients,
                                       std::size_t bytes, const Effort& effort) {
    Running epoll(EPOLL_SERVER, clients, bytes);
    std::list<Running> running;
    for (const std::string& server : servers) {
        running.emplace_back(server, clients, bytes);
    }
    std::vector<std::vector<double>> ratios(servers.size());
    for (int i = 0; i < effort.windows; ++i) {
        double seconds = epoll.cpu_seconds(effort.window);
        std::size_t which = 0;
        for (Running& each : running) {
            ratios[which++].push_back(seconds / each.cpu_seconds(effort.window));
        }
    }
    std::vector<double> result;
    for (const std::vector<double>& values : ratios) {
        result.push_back(median(values));
    }
    return result;
}

void print_comparison(const Strings& servers, const Effort& effort) {
    std::vector<std::vector<double>> columns;
    for (std::size_t clients : {50U, 500U}) {
        for (std::size_t bytes : {64U, 4096U}) {
            columns.push_back(compare_with_epoll(servers, clients, bytes, effort));
        }
    }
    std::puts("CPU time of a server on epoll alone, over that of");
    std::puts("  clients x bytes       50 x 64   50 x 4096    500 x 64   500 x 4096");
    for (std::size_t i = 0; i < servers.size(); ++i) {
        std::printf("  %-18s %10.2f %11.2f %11.2f %12.2f\n", name_of(servers[i]).c_str(),
                    columns[0][i], columns[1][i], columns[2][i], columns[3][i]);
    }
}

#else

void print_comparison(const Strings&, const Effort&) {
    std::puts("no comparison with epoll: this system has none");
}

#endif

} // namespace

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "round_trip", USAGE);
    Effort effort;
    Strings servers;
    while (std::optional<std::string> argument = arguments.next()) {
        if (*argument == "--quick") {
            effort = {10, 10, 1ms, 1};
        } else {
            servers.push_back(*argument);
        }
    }
    try {
        raise_descriptor_limit();
        print_counts(servers, effort);
        stay_on_one_core();
        print_comparison(servers, effort);
    } catch (const std::exception& error) {
        std::cerr << "round_trip: " << error.what() << '\n';
        return 1;
    }
}
