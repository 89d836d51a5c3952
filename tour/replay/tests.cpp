// Tests of the replay's data, on real recordings: what the page shows must hold together.
#include "tour/places.hpp"
#include "tour/replay/page.hpp"
#include "tour/replay/picture.hpp"

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

Stage stage;

struct Recorded {
    Recording recording = record(stage);
    std::vector<Step> steps = steps_of(recording);
    SourceLines lines{recording.source};
};

bool has_line(const Place& place) {
    return place.kind == Place::RUNS || place.kind == Place::WAITS ||
           place.kind == Place::STANDS;
}

// How far a client has come; it never goes back.
int progress(const Place& place) {
    switch (place.kind) {
    case Place::ABSENT:
        return 0;
    case Place::QUEUE:
        return 1;
    case Place::GONE:
        return 3;
    default:
        return 2;
    }
}

void check_places(const Recorded& recorded, const State& state) {
    std::set<std::size_t> running;
    std::set<std::size_t> waiting;
    for (const ThreadState& thread : state.threads) {
        (thread.call.empty() ? running : waiting).insert(thread.line);
    }
    std::size_t runs = 0;
    for (const Place& place : state.places) {
        CAPTURE(place.words);
        CHECK(!place.words.empty());
        CHECK(place.words.find("NEXT") == std::string::npos);
        CHECK((place.line != 0) == has_line(place));
        if (!has_line(place)) {
            continue;
        }
        CAPTURE(place.line);
        REQUIRE(place.line <= recorded.recording.source.size());
        CHECK(recorded.lines.statement[place.line] == place.line);
        if (place.kind == Place::RUNS) {
            ++runs;
            CHECK(running.count(place.line) == 1);
            CHECK(state.running_line != 0);
        }
    }
    CHECK(runs <= running.size());
}

// Where a client waits there is a call that can wait. A coroutine may also stand where it
// begins.
void check_waits(const Recorded& recorded, const State& state) {
    static const std::regex can_wait(R"(\b(accept|recv|send_all|select|echo_handler)\()");
    for (const Place& place : state.places) {
        if (place.kind == Place::WAITS || place.kind == Place::STANDS) {
            const std::string& line = recorded.recording.source.at(place.line - 1);
            bool is_new = place.kind == Place::STANDS && line[0] != ' ';
            CAPTURE(line);
            CHECK((is_new || std::regex_search(line, can_wait)));
        }
    }
}

std::string without_descriptors(const std::string& json) {
    static const std::regex descriptor(R"xx("fd": (\d+))xx");
    std::map<std::string, std::size_t> numbers;
    std::string result;
    std::size_t end = 0;
    for (std::sregex_iterator it(json.begin(), json.end(), descriptor), last; it != last;
         ++it) {
        auto number = numbers.try_emplace((*it)[1].str(), numbers.size()).first->second;
        auto at = static_cast<std::size_t>(it->position());
        result += json.substr(end, at - end) + "fd " + std::to_string(number);
        end = at + static_cast<std::size_t>(it->length());
    }
    return result + json.substr(end);
}

} // namespace

TEST_SUITE_BEGIN("recording");

TEST_CASE("the steps hold together, and in the end all is echoed") {
    Recorded recorded;
    REQUIRE(recorded.steps.size() > 50);
    std::vector<int> before(CLIENTS + 1);
    std::vector<std::size_t> actions;
    for (std::size_t i = 0; i < recorded.steps.size(); ++i) {
        const Step& step = recorded.steps[i];
        CAPTURE(i);
        CAPTURE(step.sentence);
        CHECK(step.sentence.ends_with('.'));
        check_places(recorded, step.state);
        check_waits(recorded, step.state);
        for (std::size_t client = 1; client <= CLIENTS; ++client) {
            int now = progress(step.state.places[client]);
            CHECK(now >= before[client]);
            before[client] = now;
        }
        if (step.action != 0) {
            actions.push_back(step.action);
        }
        std::size_t iteration = i == 0 ? 0 : recorded.steps[i - 1].state.iteration;
        CHECK(step.state.iteration - iteration <= 1);
    }
    std::sort(actions.begin(), actions.end());
    CHECK(std::adjacent_find(actions.begin(), actions.end()) == actions.end());
    CHECK(actions.size() == 10);
    CHECK(actions.back() == 10);

    const State& end = recorded.steps.back().state;
    for (std::size_t client = 1; client <= CLIENTS; ++client) {
        CAPTURE(client);
        CHECK(end.exchanges[client - 1].got == end.exchanges[client - 1].sent);
        CHECK((end.exchanges[client - 1].sent > 0) == (client != 1));
        CHECK(end.places[client].kind == Place::GONE);
    }
    for (const ThreadState& thread : end.threads) {
        CHECK(!thread.call.empty());
    }
}

TEST_CASE("clients wait for one another, or all wait at once") {
    Recorded recorded;
    auto is_seen = [&](auto test) {
        return std::any_of(recorded.steps.begin(), recorded.steps.end(),
                           [&](const Step& step) { return test(step.state); });
    };
    bool all_wait = is_seen([](const State& state) {
        return state.running_line == 0 &&
               std::all_of(state.places.begin() + 1, state.places.end(),
                           [](const Place& place) { return progress(place) == 2; });
    });
    bool is_one_behind = is_seen([](const State& state) {
        return state.running_line == 0 && state.places[1].kind == Place::WAITS &&
               state.places[2].kind == Place::QUEUE && state.exchanges[1].sent != 0;
    });
    CHECK(all_wait == !stage.one_at_a_time);
    CHECK(is_one_behind == stage.one_at_a_time);
    // The client that does not read makes its handler wait until it does.
    CHECK(is_seen([](const State& state) {
        return std::any_of(state.threads.begin(), state.threads.end(),
                           [](const ThreadState& thread) { return thread.call == "send"; }) ||
               std::any_of(state.watched.begin(), state.watched.end(), [](const Watch& watch) {
                   return watch.whose == "client 3" && watch.events == "w";
               });
    }));
}

TEST_CASE("the source is that of today, and two recordings are the same") {
    Recorded recorded;
    std::ifstream file(std::string(SOURCE_DIR) + "/" + stage.name + "/echo_server.cpp");
    std::vector<std::string> today;
    for (std::string line; std::getline(file, line);) {
        today.push_back(line);
    }
    CHECK(recorded.recording.source == today);

    Recorded again;
    // How much of a long send the kernel takes at once may differ.
    static const std::regex held(R"xx("held": [1-9]\d*)xx");
    auto comparable = [](const Recorded& run) {
        std::string json = without_descriptors(as_json(run.recording, run.steps));
        return std::regex_replace(json, held, "held some");
    };
    std::string one = comparable(recorded);
    std::string other = comparable(again);
    bool is_same = one == other;
    CHECK(is_same);
    CHECK(one.size() < 140'000); // all of them are to be less than 1 MB
    if (has_loop(recorded.steps)) {
        std::string picture = as_svg(recorded.recording, recorded.steps);
        bool is_same_picture = picture == as_svg(again.recording, again.steps);
        CHECK(is_same_picture);
        CHECK(std::count(picture.begin(), picture.end(), '<') ==
              std::count(picture.begin(), picture.end(), '>'));
        for (const char* name : {">main<", ">recv<", ">send<", ">client 2<", ">runs<"}) {
            CAPTURE(name);
            CHECK(picture.find(name) != std::string::npos);
        }
    }
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("reading");

TEST_CASE("names are those that a reader knows") {
    CHECK(readable_name("_Z12echo_handler6Socket") == "echo_handler");
    CHECK(readable_name("_ZN9EventLoop8run_onceEv") == "EventLoop::run_once");
    CHECK(readable_name("_ZNK11AsyncSocket7SendAll12await_resumeEv") ==
          "SendAll::await_resume");
    CHECK(readable_name("_ZZ7receiveRK11AsyncSocketENKUlRK6FutureIiEE_clES4_") ==
          "lambda in receive");
    CHECK(readable_name("_Z12echo_handlerPZ12echo_handler11AsyncSocketE35_Z12echo_handler"
                        "11AsyncSocket.Frame.actor") == "echo_handler");
    CHECK(readable_name("_Z12echo_handler11AsyncSocket.resume") == "echo_handler");
    CHECK(readable_name("_ZN11AsyncSocket6acceptEPZNS_6acceptE.Frame.actor") ==
          "AsyncSocket::accept");
}

TEST_CASE("a block is what stands between two calls of the recorder, up to a jump") {
    std::istringstream text("0000000000001000 <__sanitizer_cov_trace_pc>:\n"
                            "    1000:\tret\n"
                            "0000000000001100 <_Z5servev>:\n"
                            "_Z5servev():\n"
                            "/x/echo_server.cpp:7\n"
                            "    1100:\tpush   %rbp\n"
                            "    1104:\tcall   1000 <__sanitizer_cov_trace_pc>\n"
                            "    1109:\tmov    %rax,%rdi\n"
                            "/x/echo_server.cpp:8 (discriminator 2)\n"
                            "    110c:\tcall   2000 <_Z4recvv>\n"
                            "    1111:\tjmp    1120 <_Z5servev+0x20>\n"
                            "/x/echo_server.cpp:9\n"
                            "    1113:\tnop\n"
                            "    1114:\tcall   1000 <__sanitizer_cov_trace_pc>\n"
                            "/x/other.hpp:3\n"
                            "    1119:\tret\n");
    Program program = parse_disassembly(text, "/x/echo_server.cpp");
    REQUIRE(program.functions.size() == 2);
    CHECK(program.functions[1].name == "serve");
    CHECK(program.functions[1].file == "/x/echo_server.cpp");
    REQUIRE(program.blocks.size() == 2);
    const Block& first = program.blocks.at(0x109);
    CHECK(first.is_entry);
    REQUIRE(first.parts.size() >= 3);
    CHECK(first.parts[0].line == 7);
    CHECK(first.parts[1].line == 8);
    CHECK(first.parts[2].returns_to == 0x111);
    CHECK(first.parts.back().line == 8);
    const Block& second = program.blocks.at(0x119);
    CHECK(!second.is_entry);
    CHECK(second.parts.empty());

    CHECK(has_lines(program));
    text.clear();
    text.seekg(0);
    CHECK(!has_lines(parse_disassembly(text, "/moved/echo_server.cpp")));
}

TEST_CASE("a statement is known by its first line") {
    SourceLines lines({"#include <x>", "// void echo_server() {", "void serve(int a,",
                       "           int b) {", "    call(a,", "         b); // why", "}",
                       "void echo_server(int c) {", "    on([c] {", "        go();",
                       "    });"});
    CHECK(lines.statement == std::vector<std::size_t>{0, 0, 0, 3, 3, 5, 5, 0, 8, 9, 10, 0});
    CHECK(lines.first_that_accepts == 8);
}

TEST_SUITE_END();

int main(int argc, char** argv) {
    const std::string option = "--stage=";
    std::vector<Stage> stages = all_stages();
    stage = stages.front();
    for (int i = 1; i < argc; ++i) {
        std::string argument = argv[i];
        if (argument.starts_with(option)) {
            stage = find_stages(argument.substr(option.size())).front();
        }
    }
    locate_programs(argv[0]);
    return doctest::Context(argc, argv).run();
}
