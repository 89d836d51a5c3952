// Tests of the wire tests: for a server with a mistake they must fail, and by a failed
// assertion, not because they are broken themselves.
#include <doctest/doctest.h>

#include "common/testing/server_process.hpp"

#include <chrono>
#include <regex>
#include <string>
#include <vector>

namespace {

Finished run_wire_tests(const std::string& mistake, const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"--server=" WRONG_SERVER, "--server-arg=--mistake",
                                          "--server-arg=" + mistake};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back("--no-colors");
    Finished run = run_program(WIRE_TESTS, arguments, std::chrono::minutes(4));
    run.output = std::regex_replace(run.output, std::regex(" +"), " "); // it comes in columns
    return run;
}

void check_noticed(const std::string& mistake, const std::string& test_case) {
    Finished run = run_wire_tests(mistake, {"--test-case=" + test_case, "--patience=2"});
    INFO(run.output);
    INFO(run.errors);
    CHECK(run.ending.signal == 0);
    CHECK(run.ending.status == 1);
    CHECK(run.output.find("test cases: 1 | 0 passed | 1 failed") != std::string::npos);
    CHECK(run.output.find("TEST CASE: " + test_case) != std::string::npos);
    CHECK(run.output.find("CRASHED") == std::string::npos);

    // The same test passes where there is no mistake.
    run = run_wire_tests("none", {"--test-case=" + test_case});
    INFO(run.output);
    CHECK(run.ending.status == 0);
    CHECK(run.output.find("test cases: 1 | 1 passed | 0 failed") != std::string::npos);
}

} // namespace

TEST_CASE("wire tests: a server without a mistake passes") {
    Finished run = run_wire_tests("none", {"--test-suite=every server,concurrent"});
    INFO(run.output);
    CHECK(run.ending.status == 0);
    CHECK(run.output.find("passed | 0 failed") != std::string::npos);
}

TEST_CASE("wire tests notice: ignores a short send") {
    check_noticed("ignores a short send", "half-close while megabytes wait to be sent back");
}

TEST_CASE("wire tests notice: dies of a reset") {
    check_noticed("dies of a reset", "a client that resets the connection");
}

TEST_CASE("wire tests notice: loses output at half-close") {
    check_noticed("loses output at half-close",
                  "half-close while megabytes wait to be sent back");
}

TEST_CASE("wire tests notice: spins without descriptors") {
    check_noticed("spins without descriptors", "no free descriptor");
}

TEST_CASE("wire tests notice: exits without descriptors") {
    check_noticed("exits without descriptors", "no free descriptor");
}

TEST_CASE("wire tests notice: buffers without limit") {
    check_noticed("buffers without limit",
                  "a client that does not read must wait and loses nothing");
}

TEST_CASE("wire tests notice: stops at NUL") {
    check_noticed("stops at NUL", "every byte value comes back");
}

TEST_CASE("wire tests notice: dies of SIGPIPE") {
    check_noticed("dies of SIGPIPE", "a client that leaves without its echo");
}

TEST_CASE("wire tests notice: mixes up two clients") {
    check_noticed("mixes up two clients", "what belongs to one client never reaches another");
}

TEST_CASE("wire tests notice: forgets to wait") {
    check_noticed("forgets to wait", "a client that does not read must wait and loses nothing");
}
