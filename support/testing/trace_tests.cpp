// Tests of what ECHO_TRACE makes a server write (common/trace.hpp).
#include <doctest/doctest.h>

#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <string>

#include <unistd.h>

namespace {

// One JSON object without arrays and without braces or quotes in its strings, which is all that
// the trace writes.
bool is_event(const std::string& line) {
    static const std::string value = R"(("[^"{}\\]*"|-?[0-9.]+))";
    static const std::string plain = R"("[a-z]+":)" + value;
    static const std::string inner = R"(\{)" + plain + "(," + plain + R"()*\})";
    static const std::string member = R"("[a-z]+":()" + value + "|" + inner + ")";
    static const std::regex event(R"(\{)" + member + "(," + member + R"()*\},)");
    return std::regex_match(line, event);
}

std::string member_of(const std::string& line, const std::string& name) {
    std::smatch match;
    std::regex_search(line, match, std::regex("\"" + name + R"(":"?([^",}]*))"));
    return match[1];
}

} // namespace

TEST_CASE("trace: each line is an event and every end has its beginning") {
    std::string path = "/tmp/echo_trace_XXXXXX";
    Descriptor file(::mkstemp(path.data()));
    REQUIRE(file.get() != -1);
    ServerSetup setup;
    setup.environment = {"ECHO_TRACE=" + path};
    ServerProcess server(ECHO_SERVER, setup);
    for (int i = 0; i < 3; ++i) {
        Socket client = connect_to("127.0.0.1", server.port());
        client.send_all("hello");
        CHECK(client.recv(5) == "hello");
        client.shutdown_write();
        CHECK(client.recv(5) == "");
    }
    server.signal(SIGTERM); // its last line is complete all the same
    server.wait();

    std::ifstream trace(path);
    ::unlink(path.c_str());
    std::string line;
    REQUIRE(std::getline(trace, line));
    CHECK(line == "[");
    std::map<std::string, int> open; // by lane: begun and not ended yet
    std::map<std::string, double> time;
    std::map<std::string, int> begun; // by name
    while (std::getline(trace, line)) {
        CAPTURE(line);
        CHECK(!trace.eof()); // the line ends with a newline
        CHECK(is_event(line));
        std::string phase = member_of(line, "ph");
        std::string lane = member_of(line, "pid") + "/" + member_of(line, "tid");
        if (phase == "M" || phase == "i") {
            continue;
        }
        double now = std::stod(member_of(line, "ts"));
        CHECK(now >= time[lane]);
        time[lane] = now;
        if (phase == "B") {
            ++open[lane];
            ++begun[member_of(line, "name")];
        } else {
            CHECK(phase == "E");
            --open[lane];
        }
        CHECK(open[lane] >= 0);
        CHECK(open[lane] <= 1); // no waiting within a wait
    }
    open.erase("2/1"); // the thread: the signal may have come inside accept or before it
    for (const auto& lane : open) {
        CAPTURE(lane.first);
        CHECK(lane.second == 0);
    }
    CHECK(begun["accept"] >= 3);
    CHECK(begun["accept"] <= 4);
    CHECK(begun["echoes"] == 3);
    CHECK(begun["waits for input"] == 6);
    CHECK(begun["recv"] == 6);
    CHECK(begun["send"] == 3);
}
