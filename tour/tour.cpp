// The tour: plays the same clients against all servers, draws who waited for whom, then
// measures what each way to wait costs. Everything it shows has just happened on this machine.
#include "tour/measure.hpp"
#include "tour/places.hpp"
#include "tour/report.hpp"
#include "tour/server.hpp"
#include "tour/terminal.hpp"
#include "tour/watch.hpp"

#include "common/command_line.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct Options {
    std::vector<Stage> stages = all_stages();
    bool is_quick = false;
    std::string json_file;
    std::string svg_file;
};

const char* const USAGE =
    "usage: tour [--only STAGES] [--quick] [--json FILE] [--svg FILE]\n"
    "  --only STAGES  some of the stages, as in 03,07,asyncio\n"
    "  --quick        measures for a shorter time, with fewer idle clients\n"
    "  --json FILE    also writes all that was seen and measured, for programs\n"
    "  --svg FILE     also writes the picture of the clients, for a browser\n"
    "  --help         this text\n";

std::vector<Stage> parse_stages(const Arguments& arguments, const std::string& value) {
    try {
        return find_stages(value);
    } catch (const std::invalid_argument& error) {
        arguments.fail(error.what());
    }
}

Options parse_options(int argc, char** argv) {
    Options options;
    Arguments arguments(argc, argv, "tour", USAGE);
    while (std::optional<std::string> option = arguments.next()) {
        if (*option == "--quick") {
            options.is_quick = true;
        } else if (*option == "--json") {
            options.json_file = arguments.value_of(*option);
        } else if (*option == "--svg") {
            options.svg_file = arguments.value_of(*option);
        } else if (*option == "--only") {
            options.stages = parse_stages(arguments, arguments.value_of(*option));
        } else {
            arguments.fail("unknown argument '" + *option + "'");
        }
    }
    return options;
}

// Before the work is done, not after. Leaves a file that exists as it is.
void check_writable(const std::string& file) {
    if (!file.empty() && !std::ofstream(file, std::ios::app)) {
        throw std::runtime_error("cannot write to " + file);
    }
}

void write_file(const std::string& file, const std::string& text) {
    if (!file.empty() && !(std::ofstream(file) << text << std::flush)) {
        throw std::runtime_error("cannot write to " + file);
    }
}

void watch_all(Report& report, const Terminal& terminal) {
    terminal.print_picture_heading();
    for (StageReport& stage : report.stages) {
        with_server(stage.stage,
                    [&](ServerProcess& server) { stage.watched = watch(server, ALL_AT_ONCE); });
        terminal.print_picture(stage.stage, *stage.watched);
    }
}

void measure_all(Report& report, const Effort& effort, const Terminal& terminal) {
    terminal.print_heading("Measure: clients and servers share this machine.");
    report.share_of_cores = share_of_cores();
    terminal.print("  " + report.machine.line() + "\n" + busy_warning(report) + "\n");
    for (StageReport& stage : report.stages) {
        stage.measured = measure_counts(stage.stage, effort, [&](const std::string& what) {
            terminal.show_progress("  " + stage.stage.name + ": " + what);
        });
    }
    for (int round = 1; round <= ROUNDS; ++round) { // a bad moment does not hit one stage alone
        std::string name = "  round " + std::to_string(round) + ", ";
        for (StageReport& stage : report.stages) {
            auto progress = [&](const std::string& what) {
                terminal.show_progress(name + stage.stage.name + ": " + what);
            };
            measure_round(stage.stage, effort, progress, *stage.measured);
        }
        report.share_of_cores = std::min(report.share_of_cores, share_of_cores());
    }
    terminal.show_progress("");
    terminal.print(table_of(report));
}

void tour(const Options& options, const Terminal& terminal) {
    auto start = std::chrono::steady_clock::now();
    check_writable(options.json_file);
    check_writable(options.svg_file);

    Effort effort{300ms, 10'000, raise_descriptor_limit()};
    if (options.is_quick) {
        effort.window = 50ms;
        effort.most_idle_clients = 500;
    }
    Report report{this_machine(),
                  options.is_quick,
                  std::chrono::duration<double>(effort.window).count(),
                  1,
                  {}};
    for (const Stage& stage : options.stages) {
        report.stages.push_back({stage, {}, {}});
    }
    watch_all(report, terminal);
    write_file(options.svg_file, as_svg(report));
    measure_all(report, effort, terminal);
    write_file(options.json_file, as_json(report));

    auto took = std::chrono::steady_clock::now() - start;
    terminal.print("\nThe tour took " +
                   std::to_string(std::chrono::round<std::chrono::seconds>(took).count()) +
                   " seconds.\n");
}

} // namespace

int main(int argc, char** argv) {
    Options options = parse_options(argc, argv);
    Terminal terminal;
    try {
        locate_programs(argv[0]);
        tour(options, terminal);
    } catch (const std::exception& error) {
        terminal.show_progress("");
        std::cerr << "tour: " << error.what() << '\n';
        return 1;
    }
}
