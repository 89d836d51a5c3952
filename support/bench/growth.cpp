// How cost grows: of a round trip with the clients that are connected, of a timer with those that
// are set, of a switch with the tasks that take turns.
//
//     growth [--quick] ECHO_SERVER...
#include "busy_clients.hpp"

#include "asyncio/coroutine.hpp"
#include "asyncio/event_loop.hpp"
#include "asyncio/task.hpp"
#include "common/command_line.hpp"
#include "support/testing/server_process.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

const char* const USAGE = "usage: growth [--quick] ECHO_SERVER...\n";

constexpr std::size_t BUSY = 50; // of the clients that are connected

struct Effort {
    std::vector<std::size_t> clients = {10, 100, 1000, 10'000};
    std::vector<std::size_t> others = {10, 100, 1000, 10'000, 100'000}; // timers, tasks
    std::chrono::milliseconds window = 500ms;
    std::size_t operations = 1'000'000;
};

// CPU time of the server for a round trip of 64 bytes, in microseconds.
double round_trip(const std::string& server, std::size_t connected, const Effort& effort) {
    ServerProcess process(server);
    std::size_t busy = connected < BUSY ? connected : BUSY;
    BusyClients idle_clients(process.port(), connected - busy, 64);
    BusyClients busy_clients(process.port(), busy, 64);
    double before = process.cpu_seconds();
    std::size_t round_trips = busy_clients.talk(effort.window);
    return (process.cpu_seconds() - before) * 1e6 / static_cast<double>(round_trips);
}

// To run `function`, for each of so many operations, in microseconds.
template <typename Function>
double time_of(std::size_t operations, Function function) {
    auto start = std::chrono::steady_clock::now();
    function();
    std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
    return taken.count() / static_cast<double>(operations);
}

void run_once(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

// Sets and cancels one, for another moment each time, while so many are set.
double timer(std::size_t timers, const Effort& effort) {
    EventLoop loop;
    std::mt19937 random; // the same numbers each time
    auto later = [&] { return 1h + std::chrono::milliseconds(random() % 3'600'000); };
    for (std::size_t i = 0; i < timers; ++i) {
        loop.call_later(later(), [] {});
    }
    return time_of(effort.operations, [&] {
        for (std::size_t i = 0; i < effort.operations; ++i) {
            loop.call_later(later(), [] {}).cancel();
            if (i % 100 == 0) { // as in a real program the loop runs now and then
                run_once(loop);
            }
        }
    });
}

Coroutine<void> give_up_turn(std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        co_await sleep(0ms);
    }
}

// To another task, while so many take turns.
double task_switch(std::size_t tasks, const Effort& effort) {
    EventLoop loop;
    std::size_t turns = effort.operations / tasks;
    for (std::size_t i = 0; i < tasks; ++i) {
        create_task(loop, give_up_turn(turns));
    }
    double result = time_of(turns * tasks, [&] {
        for (std::size_t i = 0; i < turns; ++i) {
            run_once(loop);
        }
    });
    while (!tasks_of(loop).empty()) { // they end
        run_once(loop);
    }
    return result;
}

template <typename Measure>
void print_row(const std::string& name, const std::vector<std::size_t>& sizes,
               Measure measure) {
    std::printf("  %-24s", name.c_str());
    for (std::size_t size : sizes) {
        std::printf(" %9.3f", measure(size));
        std::fflush(stdout);
    }
    std::puts("");
}

} // namespace

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "growth", USAGE);
    Effort effort;
    std::vector<std::string> servers;
    while (std::optional<std::string> argument = arguments.next()) {
        if (*argument == "--quick") {
            effort = {{10, 100}, {10, 100}, 1ms, 1000};
        } else {
            servers.push_back(*argument);
        }
    }
    try {
        raise_descriptor_limit();
        std::puts(
            "microseconds, with so many       10       100      1000     10000    100000");
        for (const std::string& server : servers) {
            std::string name = std::filesystem::path(server).parent_path().filename();
            print_row("clients, " + name, effort.clients,
                      [&](std::size_t clients) { return round_trip(server, clients, effort); });
        }
        print_row("timers that are set", effort.others,
                  [&](std::size_t timers) { return timer(timers, effort); });
        print_row("tasks that take turns", effort.others,
                  [&](std::size_t tasks) { return task_switch(tasks, effort); });
    } catch (const std::exception& error) {
        std::cerr << "growth: " << error.what() << '\n';
        return 1;
    }
}
