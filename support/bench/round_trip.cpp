// What one round trip costs a server: instructions and heap allocations, counted by valgrind,
// and CPU time, compared with that of a server on epoll alone.
//
//     round_trip [--quick] ECHO_SERVER...
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
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

const char* const USAGE = "usage: round_trip [--quick] ECHO_SERVER...\n";

struct Effort {
    std::size_t round_trips = 1000; // that are counted by valgrind
    std::chrono::milliseconds window = 200ms;
    int windows = 9; // in which CPU time is measured; the median counts
};

// "build/tour/04_callbacks/echo_server" -> "04_callbacks"
std::string name_of(const std::string& server) {
    return std::filesystem::path(server).parent_path().filename();
}

Socket connect_client(const ServerProcess& server) {
    return connect_to("127.0.0.1", server.port());
}

void make_round_trip(Socket& client, const std::string& message) {
    client.send_all(message);
    for (std::size_t missing = message.size(); missing > 0;) {
        std::string data = client.recv(missing);
        if (data.empty()) {
            throw std::runtime_error("the server has closed the connection");
        }
        missing -= data.size();
    }
}

// ---- counted by valgrind
// ---------------------------------------------------------------------

const Strings COUNT_INSTRUCTIONS = {"valgrind", "--tool=callgrind",
                                    "--callgrind-out-file=/dev/null"};
const Strings COUNT_ALLOCATIONS = {"valgrind", "--tool=memcheck", "--leak-check=no"};

bool has_valgrind() {
    return run_program("/usr/bin/env", {"sh", "-c", "command -v valgrind"}).ending.status == 0;
}

// The number after `label`: "total heap usage: 1,234 allocs".
double number_after(const std::string& label, const std::string& text) {
    std::size_t start = text.find(label);
    if (start == std::string::npos) {
        throw std::runtime_error("valgrind does not say '" + label + "' but: " + text);
    }
    start += label.size();
    std::string number =
        text.substr(start, text.find_first_not_of("0123456789,", start) - start);
    std::erase(number, ',');
    return std::stod(number);
}

// What the tool has counted when the server ends after so many round trips of one client.
double count_all(const Strings& tool, const std::string& label, const std::string& server,
                 std::size_t round_trips) {
    ServerSetup setup;
    setup.arguments = tool;
    setup.arguments.insert(setup.arguments.end(), {server, "--port", "0", "--quiet"});
    setup.collect_errors = true;
    ServerProcess process("/usr/bin/env", setup);
    {
        Socket client = connect_client(process);
        for (std::size_t i = 0; i < round_trips; ++i) {
            make_round_trip(client, std::string(64, 'x'));
        }
    }
    process.signal(SIGTERM);
    return number_after(label, process.errors_until("(to the end)"));
}

// For one round trip: starting, connecting and ending count in both runs.
double count_one(const Strings& tool, const std::string& label, const std::string& server,
                 const Effort& effort) {
    std::size_t n = effort.round_trips;
    return (count_all(tool, label, server, 2 * n) - count_all(tool, label, server, n)) /
           static_cast<double>(n);
}

void print_counts(const std::string& name, const std::string& server, const Effort& effort) {
    double instructions = count_one(COUNT_INSTRUCTIONS, "Collected : ", server, effort);
    double allocations = count_one(COUNT_ALLOCATIONS, "total heap usage: ", server, effort);
    std::printf("  %-34s %11.0f %12.1f\n", name.c_str(), instructions, allocations);
    std::fflush(stdout);
}

void print_all_counts(const Strings& servers, const Effort& effort) {
    if (!has_valgrind()) {
        std::puts("no instructions and allocations: valgrind is not installed");
        return;
    }
    std::puts("one round trip of 64 bytes          instructions  allocations");
    for (const std::string& server : servers) {
        print_counts(name_of(server), server, effort);
    }
#ifdef EPOLL_SERVER
    print_counts("epoll alone", EPOLL_SERVER, effort);
#endif
}

// ---- CPU time
// --------------------------------------------------------------------------------

#ifdef EPOLL_SERVER

// Of the server, for one round trip.
double cpu_seconds(const std::string& server, std::size_t bytes, const Effort& effort) {
    ServerProcess process(server);
    Socket client = connect_client(process);
    std::string message(bytes, 'x');
    make_round_trip(client, message);
    double before = process.cpu_seconds();
    std::size_t round_trips = 0;
    auto end = std::chrono::steady_clock::now() + effort.window;
    while (std::chrono::steady_clock::now() < end) {
        make_round_trip(client, message);
        ++round_trips;
    }
    return (process.cpu_seconds() - before) / static_cast<double>(round_trips);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// That of the server on epoll over that of each server. The windows of all servers take turns:
// whatever else the machine does meets all of them.
std::map<std::string, double> compare_with_epoll(const Strings& servers, std::size_t bytes,
                                                 const Effort& effort) {
    std::map<std::string, std::vector<double>> ratios;
    for (int i = 0; i < effort.windows; ++i) {
        double epoll = cpu_seconds(EPOLL_SERVER, bytes, effort);
        for (const std::string& server : servers) {
            ratios[server].push_back(epoll / cpu_seconds(server, bytes, effort));
        }
    }
    std::map<std::string, double> result;
    for (const auto& [server, values] : ratios) {
        result[server] = median(values);
    }
    return result;
}

void print_comparison(const Strings& servers, const Effort& effort) {
    std::map<std::string, double> small = compare_with_epoll(servers, 64, effort);
    std::map<std::string, double> large = compare_with_epoll(servers, 4096, effort);
    std::puts("CPU time of a server on epoll alone, over that of");
    std::puts("                                        64 bytes   4096 bytes");
    for (const std::string& server : servers) {
        std::printf("  %-34s %11.2f %12.2f\n", name_of(server).c_str(), small[server],
                    large[server]);
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
            effort = {10, 1ms, 1};
        } else {
            servers.push_back(*argument);
        }
    }
    try {
        print_all_counts(servers, effort);
        stay_on_one_core();
        print_comparison(servers, effort);
    } catch (const std::exception& error) {
        std::cerr << "round_trip: " << error.what() << '\n';
        return 1;
    }
}
