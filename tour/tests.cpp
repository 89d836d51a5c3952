// Tests of the pictures: what a trace says about the threads of a server, and that a picture of
// it is one that a browser takes, whatever came between. And of the figures: the rounds and the
// table.
#include "tour/report.hpp"
#include "tour/server.hpp"
#include "tour/terminal.hpp"
#include "tour/threads.hpp"
#include "tour/timeline.hpp"
#include "tour/trace_file.hpp"
#include "tour/watch.hpp"

#include "support/testing/server_process.hpp"

#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using Clients = std::vector<std::size_t>;

const std::chrono::steady_clock::time_point START{std::chrono::seconds(1)};

// Lines as common/trace.cpp writes them; `ms` counts from START.
std::string time_of(double ms) {
    return ",\"ts\":" + std::to_string(1'000'000 + ms * 1000);
}
std::string begins(int thread, const std::string& call, double ms) {
    return R"({"ph":"B","name":")" + call + '"' + time_of(ms) +
           ",\"pid\":2,\"tid\":" + std::to_string(thread) + "},\n";
}
std::string ends(int thread, double ms) {
    return R"({"ph":"E")" + time_of(ms) + ",\"pid\":2,\"tid\":" + std::to_string(thread) +
           "},\n";
}
std::string serves(int thread, int client, double ms) {
    return R"({"ph":"B","name":"echoes")" + time_of(ms) +
           ",\"pid\":1,\"tid\":" + std::to_string(client) + R"(,"args":{"thread":)" +
           std::to_string(thread) + "}},\n";
}

std::vector<ServerThread> read(const std::string& lines) {
    std::istringstream trace(
        "[\n"
        R"({"name":"process_name","ph":"M","pid":2,"args":{"name":"threads"}},)"
        "\n" +
        lines);
    return read_threads(trace, START);
}

// A server of two threads: the second starts late, and their lines are mixed.
const std::string TWO_THREADS = begins(1, "accept", -1) + serves(1, 1, 50) + ends(1, 50) +
                                begins(1, "accept", 51) + begins(2, "recv", 51) +
                                serves(1, 2, 90) + serves(2, 1, 91) + ends(1, 92) +
                                ends(2, 92) + serves(2, 1, 93);

// Every element that begins ends, in the right order.
bool is_well_formed(const std::string& picture) {
    static const std::regex tag(R"(<(/?)([a-z]+)( [a-zA-Z0-9-]+="[^"<&]*")*(/?)>)");
    std::vector<std::string> open;
    std::size_t tags = 0;
    for (std::sregex_iterator it(picture.begin(), picture.end(), tag), end; it != end; ++it) {
        const std::smatch& match = *it;
        ++tags;
        if (match[1] == "/") {
            if (open.empty() || open.back() != match[2]) {
                return false;
            }
            open.pop_back();
        } else if (match[4] != "/") {
            open.push_back(match[2]);
        }
    }
    auto brackets = std::count(picture.begin(), picture.end(), '<');
    return open.empty() && tags == static_cast<std::size_t>(brackets);
}

Timeline timeline_of(const std::string& lines) {
    Watched watched{IN_TURN, START, {{50, 50.1, {{50.2, 50.4}, {200, 200.3}}, 200.5}}, 200.5};
    return {all_stages().front(), watched, read(lines), 250};
}

} // namespace

TEST_CASE("each thread has its own waits, and works for the clients that the trace names") {
    std::vector<ServerThread> threads = read(TWO_THREADS);
    REQUIRE(threads.size() == 2);
    REQUIRE(threads[0].turns.size() == 2);
    CHECK(threads[0].turns[0].call == "accept");
    CHECK(threads[0].turns[0].from_ms == doctest::Approx(-1));
    CHECK(threads[0].turns[0].to_ms == doctest::Approx(50));
    CHECK(threads[0].turns[0].clients == Clients{1});
    CHECK(threads[0].turns[1].clients == Clients{2});
    REQUIRE(threads[1].turns.size() == 1);
    CHECK(threads[1].turns[0].call == "recv");
    CHECK(threads[1].turns[0].clients == Clients{1});
    CHECK(threads[1].last_ms == doctest::Approx(93));
}

TEST_CASE("a wait that has not ended is open, and half a line is left out") {
    std::vector<ServerThread> threads = read(begins(1, "recv", 10) + R"({"ph":"E","ts":10)");
    REQUIRE(threads.size() == 1);
    REQUIRE(threads[0].turns.size() == 1);
    CHECK(threads[0].turns[0].to_ms > 1e9);
}

TEST_CASE("a call that the trace does not show fills the time between the others") {
    std::string note = R"({"ph":"i","s":"t","name":"watch")" + time_of(60) +
                       R"(,"pid":2,"tid":1,"args":{"fd":3,"events":"r"}},)"
                       "\n";
    std::vector<ServerThread> threads =
        read(begins(1, "select", 50) + note + ends(1, 70) + note);
    REQUIRE(threads.size() == 1);
    REQUIRE(threads[0].turns.size() == 1);
    CHECK(threads[0].turns[0].from_ms == doctest::Approx(50));
    CHECK(threads[0].turns[0].to_ms == doctest::Approx(70));
}

TEST_CASE("a short wait counts as work, for its clients, in the turn before it") {
    std::vector<Turn> turns = join_short_waits(
        {{"recv", 0, 50, {1}}, {"send", 50, 51, {1}}, {"accept", 52, 52.5, {2}}, {"recv", 53}},
        5);
    REQUIRE(turns.size() == 2);
    CHECK(turns[0].clients == Clients{1, 2});
    CHECK(turns[0].to_ms == 50);
    CHECK(turns[1].from_ms == 53);
}

// The trace of a server that has one client, and is then asked to end.
std::vector<std::string> trace_of(const Stage& stage, Ending& ending) {
    TraceFile trace;
    ServerSetup setup;
    setup.environment = {"ECHO_TRACE=" + trace.path};
    ServerProcess server(program_of(stage), setup);
    {
        Socket client = connect_to("127.0.0.1", server.port());
        client.send_all("hello");
        CHECK(client.recv(5) == "hello");
    }
    server.signal(SIGTERM);
    ending = server.wait();
    std::ifstream file(trace.path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

TEST_CASE("every server records its waits, and a loop numbers them") {
    locate_programs("");
    std::size_t loops = 0;
    for (const Stage& stage : all_stages()) {
        CAPTURE(stage.name);
        Ending ending{};
        std::vector<std::string> lines = trace_of(stage, ending);
        const std::regex wait(R"xx(\{"ph":"B","name":"\w+",.*"pid":2,.*\},)xx");
        const std::regex iteration(R"xx("iteration":(\d+))xx");
        std::size_t waits = 0;
        std::size_t iterations = 0;
        for (const std::string& line : lines) {
            std::smatch match;
            waits += std::regex_match(line, wait) ? 1 : 0;
            if (std::regex_search(line, match, iteration)) {
                CHECK(std::stoul(match[1]) == ++iterations);
            }
        }
        CHECK(waits >= 2);
        CHECK((iterations == 0 || iterations == waits));
        loops += iterations == 0 ? 0 : 1;
    }
    CHECK(loops >= 5); // from stage 03 on
}

TEST_CASE("the trace of a server that ends on its own is strict JSON") {
    locate_programs("");
    std::size_t ended = 0;
    for (const Stage& stage : all_stages()) {
        CAPTURE(stage.name);
        Ending ending{};
        std::vector<std::string> lines = trace_of(stage, ending);
        REQUIRE(lines.size() > 5);
        CHECK(lines.front() == "[");
        if (ending.signal != 0) {
            continue;
        }
        ++ended;
        CHECK(lines.back() == "]");
        for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
            CAPTURE(lines[i]);
            CHECK(lines[i].ends_with(i + 2 < lines.size() ? "}," : "}"));
        }
    }
    CHECK(ended >= 4); // from stage 04 on
}

TEST_CASE("the timeline is well-formed and names the calls and the clients") {
    std::string picture = as_svg(timeline_of(TWO_THREADS));
    CHECK(is_well_formed(picture));
    CHECK(picture.find(">accept<") != std::string::npos);
    CHECK(picture.find(">client 1<") != std::string::npos);
    CHECK(picture.find(">The server: 2 threads<") != std::string::npos);
}

TEST_CASE("the timeline is well-formed whatever the server did or did not do") {
    std::string much;
    for (int i = 0; i < 400; ++i) { // it never waits long
        much += begins(1, "recv", i) + ends(1, i + 0.1) + serves(1, i % 3 + 1, i + 0.2);
    }
    for (const std::string& lines :
         {std::string(), begins(1, "accept", -5), begins(1, "accept", 300),
          begins(1, "recv", 10) + serves(1, 1, 20), ends(1, 10), much}) {
        CAPTURE(lines.size());
        std::string picture = as_svg(timeline_of(lines));
        CHECK(is_well_formed(picture));
        CHECK(picture.find("inf") == std::string::npos);
        CHECK(picture.find("nan") == std::string::npos);
        CHECK(picture.find("=\"-") == std::string::npos); // left of the picture
    }
}

namespace {

// All stages, with the widest numbers that fit, and each reason why there is none.
Report widest_report() {
    Report report{
        {128, "Darwin 24.6 x86_64", "Apple Clang 17.0", "RelWithDebInfo"}, false, 1, 0.5, {}};
    for (const Stage& stage : all_stages()) {
        Measured measured;
        measured.clients_tried = stage.one_at_a_time ? 100 : 2000;
        measured.clients_served.rounds = {2000};
        measured.threads.rounds = {2001};
        measured.system_calls.why_not = "only Linux lets us count its calls";
        measured.idle_clients = stage.idle_clients;
        measured.memory_bytes.why_not = "it serves one client at a time";
        measured.handler_lines.why_not = "its source cannot be read";
        for (LoadNumbers& load : measured.loads) {
            load.round_trips_per_second.rounds = {99'000, 990'000, 999'000};
            load.p99_us.rounds = {11, 990'000, 20'000'000};
            load.cpu_us.rounds = {2.25, 9999.9, 20'000};
        }
        measured.loads.back().cpu_us = {{}, "too few descriptors are allowed"};
        report.stages.push_back({stage, {}, measured});
    }
    return report;
}

// A process that only calculates.
Child start_busy_process() {
    pid_t pid = ::fork();
    if (pid == 0) {
        ::alarm(10); // ends it if nothing else does
        while (true) {
            (void)std::clock();
        }
    }
    return Child(pid);
}

} // namespace

TEST_CASE("the median of the rounds counts, and how far apart they are") {
    Number number{{110, 90, 100}, ""};
    CHECK(number.median() == 100);
    CHECK(number.difference() == doctest::Approx(0.2));
    CHECK(Number{{}, "why"}.median() == std::nullopt);
}

TEST_CASE("each round adds to every timed figure that the stage can have") {
    locate_programs("");
    Effort effort{std::chrono::milliseconds(50), 10, raise_descriptor_limit()};
    for (const Stage& stage : find_stages("01,asyncio")) {
        CAPTURE(stage.name);
        Measured measured;
        for (int i = 0; i < 2; ++i) {
            measure_round(
                stage, effort, [](const std::string&) {}, measured);
        }
        REQUIRE(measured.loads.size() == 4);
        for (const LoadNumbers& load : measured.loads) {
            CAPTURE(load.active_clients);
            bool is_possible = !stage.one_at_a_time || load.active_clients == 1;
            std::size_t rounds = is_possible ? 2 : 0;
            CHECK(load.round_trips_per_second.rounds.size() == rounds);
            CHECK(load.p99_us.rounds.size() == rounds);
            CHECK(load.cpu_us.rounds.size() == rounds);
            CHECK(load.cpu_us.why_not.empty() == is_possible);
        }
    }
}

TEST_CASE("who is watched keeps its place in the queue of a server that takes one at a time") {
    locate_programs("");
    Watched watched{};
    with_server(all_stages().front(),
                [&](ServerProcess& server) { watched = watch(server, ALL_AT_ONCE); });
    CHECK(watched.is_one_at_a_time());
    REQUIRE(watched.clients.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) {
        REQUIRE(watched.clients[i].lines.size() == 3);
        if (i > 0) { // a client leaves only when it has its last line
            CHECK(watched.clients[i].lines.front().echoed_ms >=
                  watched.clients[i - 1].lines.back().echoed_ms);
        }
    }
}

TEST_CASE("what needs more descriptors than there are is left out, and the table says why") {
    locate_programs("");
    Report report{this_machine(), true, 0.05, 1, {}};
    for (const Stage& stage : find_stages("01,asyncio")) {
        report.stages.push_back({stage, {}, Measured()});
    }
    for (std::size_t limit : {256U, 114U, 40U}) { // of which 64 are not for clients
        CAPTURE(limit);
        Effort effort{std::chrono::milliseconds(50), 10'000, limit};
        for (StageReport& stage : report.stages) {
            auto progress = [](const std::string&) {};
            stage.measured = measure_counts(stage.stage, effort, progress);
            measure_round(stage.stage, effort, progress, *stage.measured);
        }
        const Measured& measured = *report.stages[1].measured;
        std::vector<std::size_t> rounds;
        for (const LoadNumbers& load :
             measured.loads) { // 1, 50 and 500 clients, 50 beside idle
            rounds.push_back(load.p99_us.rounds.size());
        }
        CHECK(rounds == (limit == 256   ? std::vector<std::size_t>{1, 1, 0, 1}
                         : limit == 114 ? std::vector<std::size_t>{1, 1, 0, 0}
                                        : std::vector<std::size_t>{0, 0, 0, 0}));
        CHECK(measured.idle_clients == (limit == 256 ? 256U - 64U - 50U : 0U));
        CHECK(table_of(report).find("not measured, too few descriptors are allowed") !=
              std::string::npos);
    }
}

TEST_CASE("the table and what is below it fit into 80 columns") {
    Report report = widest_report();
    std::istringstream text("  " + report.machine.line() + "\n" + table_of(report));
    for (std::string line; std::getline(text, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("below the table: how far apart the rounds are, and where most") {
    Report report = widest_report();
    for (StageReport& stage : report.stages) {
        for (LoadNumbers& load : stage.measured->loads) {
            load.p99_us.rounds = {99, 100, 109};
        }
    }
    report.stages[3].measured->loads[1].p99_us.rounds = {50, 200, 120};
    CHECK(table_of(report).find("typically 10 %, at most 125 % (04, 50 clients)\n") !=
          std::string::npos);
}

TEST_CASE("the JSON has the median and the rounds") {
    std::string json = as_json(widest_report());
    CHECK(json.find(R"("p99_latency_us": 990000, "rounds_of_p99_latency_us": [11, 990000, )") !=
          std::string::npos);
}

TEST_CASE("the tour warns where it does not get the cores") {
    Report report = widest_report();
    CHECK(busy_warning(report) ==
          "  This machine is busy: the tour got 50 % of its 128 cores. Trust no figure.\n");
    report.share_of_cores = 0.97;
    CHECK(busy_warning(report) == "");
}

TEST_CASE("on a busy machine there is only a share of the cores") {
    std::vector<Child> others;
    for (unsigned i = 0; i < 2 * this_machine().cores; ++i) {
        others.push_back(start_busy_process());
    }
    double share = share_of_cores();
    CHECK(share > 0);
    CHECK(share < 0.7); // a third, if they are treated alike
}
