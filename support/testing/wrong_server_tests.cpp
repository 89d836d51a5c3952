// Tests of the wire tests: for a server with a mistake they must fail, and by a failed
// assertion, not because they are broken themselves.
#include <doctest/doctest.h>

#include "support/testing/server_process.hpp"

#include <chrono>
#include <regex>
#include <sstream>
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

void check_fits_in_80_columns(const std::string& output) {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        bool is_path = line.starts_with(WRONG_SERVER); // it may be of any length
        CHECK_MESSAGE((is_path || line.size() <= 80), line);
    }
}

// What `./tutorial check` says of a server, with `model` as the number of --like.
Finished run_check(const std::string& model, const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"--verdict=" + model, "--patience=2"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    Finished run = run_program(WIRE_TESTS, arguments, std::chrono::minutes(4));
    check_fits_in_80_columns(run.output);
    run.output = std::regex_replace(run.output, std::regex(" \\.+ "), ": ");
    run.output = std::regex_replace(run.output, std::regex("\n {8}"), " "); // a long line
    return run;
}

// The check must say "NO" to `point`, and why, and to no other.
void check_verdict(const std::string& mistake, const std::string& test_case,
                   const std::string& point, const std::string& reason) {
    Finished run = run_check("2", {"--server=" WRONG_SERVER, "--server-arg=--mistake",
                                   "--server-arg=" + mistake, "--test-case=" + test_case});
    INFO(run.output);
    CHECK(run.ending.status == 1);
    CHECK(run.output.find(point + ": NO\n    " + test_case + ": " + reason) !=
          std::string::npos);
    CHECK(run.output.find(": NO") == run.output.rfind(": NO"));
    CHECK(run.output.find("1 was tried, and 1 is broken") != std::string::npos);
}

} // namespace

TEST_CASE("wire tests pass a server without a mistake") {
    Finished run = run_wire_tests("none", {"--test-suite=every server,concurrent"});
    INFO(run.output);
    CHECK(run.ending.status == 0);
    CHECK(run.output.find("passed | 0 failed") != std::string::npos);
}

TEST_CASE("wire tests notice a server that ignores a short send") {
    check_noticed("ignores a short send",
                  "a half-close while megabytes wait to be sent back loses nothing");
}

TEST_CASE("wire tests notice a server that dies of a reset") {
    check_noticed("dies of a reset", "a client that resets the connection harms no other");
}

TEST_CASE("wire tests notice a server that loses output at half-close") {
    check_noticed("loses output at half-close",
                  "a half-close while megabytes wait to be sent back loses nothing");
}

TEST_CASE("wire tests notice a server that spins without descriptors") {
    check_noticed("spins without descriptors",
                  "without a free descriptor it waits and does not spin");
}

TEST_CASE("wire tests notice a server that exits without descriptors") {
    check_noticed("exits without descriptors",
                  "without a free descriptor it waits and does not spin");
}

TEST_CASE("wire tests notice a server that spins on an error of accept") {
    check_noticed(
        "spins on an error of accept",
        "an error of accept that may pass is logged ten times a second and ends nothing");
}

TEST_CASE("wire tests notice a server that buffers without limit") {
    check_noticed("buffers without limit",
                  "a client that does not read must wait and loses nothing");
}

TEST_CASE("wire tests notice a server that stops at NUL") {
    check_noticed("stops at NUL", "every byte value comes back");
}

TEST_CASE("wire tests notice a server that dies of SIGPIPE") {
    check_noticed("dies of SIGPIPE", "a client that leaves without its echo harms no other");
}

TEST_CASE("wire tests notice a server that mixes up two clients") {
    check_noticed("mixes up two clients", "what belongs to one client never reaches another");
}

TEST_CASE("wire tests notice a server that forgets to wait") {
    check_noticed("forgets to wait", "a client that does not read must wait and loses nothing");
}

TEST_CASE("check says that a server keeps all guarantees") {
    Finished run = run_check("4", {"--server=" ECHO_SERVER, "--patience=20"});
    INFO(run.output);
    CHECK(run.ending.status == 0);
    CHECK(run.output.find(": NO") == std::string::npos);
    CHECK(run.output.find(": no") == std::string::npos); // "no, ...", "not tried"
    CHECK(run.output.find("no point") == std::string::npos);
    CHECK(run.output.find("All is well: of 9 points 9 were tried") != std::string::npos);
}

TEST_CASE("check names the guarantee that is broken") {
    check_verdict("stops at NUL", "every byte value comes back",
                  "1. all bytes come back, in order, and nothing else",
                  "nothing comes any more");
    check_verdict("buffers without limit",
                  "a client that does not read must wait and loses nothing",
                  "3. a client that never reads cannot fill the memory",
                  "the server takes everything though nothing is read");
    check_verdict(
        "spins without descriptors", "without a free descriptor it waits and does not spin",
        "5. without a free descriptor it waits, and does not spin", "the server spins");
    check_verdict("closes a silent client", "SIGSTOP and SIGCONT lose nothing",
                  "it can be stopped, continued, ended, and started again on its port",
                  "the server has closed the connection");
    check_verdict("mixes up two clients", "what belongs to one client never reaches another",
                  "many clients are served at once, and none is in another's way",
                  "byte 1 of 3000 is ");
}

TEST_CASE("check says that the server has died") {
    Finished run =
        run_check("2", {"--server=" WRONG_SERVER, "--server-arg=--mistake",
                        "--server-arg=dies of a reset",
                        "--test-case=a client that resets the connection harms no other"});
    INFO(run.output);
    CHECK(run.ending.status == 1);
    CHECK(run.output.find(
              "(the server has ended, with status 1; its last message: echo_server: ") !=
          std::string::npos);
    run = run_check("2", {"--server=" WRONG_SERVER, "--server-arg=--mistake",
                          "--server-arg=lets an exception out",
                          "--test-case=a client that resets the connection harms no other"});
    INFO(run.output);
    CHECK(run.output.find("(the server was terminated by an uncaught exception, or "
                          "by abort(); its last message: what(): ") != std::string::npos);
}

TEST_CASE("check says what is missing in the log") {
    Finished run =
        run_check("4", {"--server=" ECHO_SERVER, "--server-arg=--quiet",
                        "--test-case=it logs clients unless it is told to be quiet"});
    INFO(run.output);
    CHECK(run.output.find("it logs clients unless it is told to be quiet: the server does not "
                          "say 'connected' on standard error\n") != std::string::npos);
}

TEST_CASE("check names the option that the usage leaves out") {
    Finished run = run_check("1", {"--server=" WRONG_SERVER, "--server-arg=--mistake",
                                   "--server-arg=tells nothing of --quiet",
                                   "--test-case=--help shows the usage"});
    INFO(run.output);
    CHECK(run.output.find("the usage does not tell of --quiet\n") != std::string::npos);
}

TEST_CASE("check says which byte is missing, and why something was not tried") {
    Finished run = run_check("1", {"--server=" WRONG_SERVER, "--server-arg=--mistake",
                                   "--server-arg=stops at NUL",
                                   "--test-case=every byte value comes back"});
    INFO(run.output);
    CHECK(run.output.find("the first byte that is missing is the zero byte") !=
          std::string::npos);
    CHECK(run.output.find("not tried\n    not every server has to do it") != std::string::npos);
}

TEST_CASE("check counts only what is expected") {
    std::vector<std::string> options = {"--server=" WRONG_SERVER,
                                        "--test-case=SIGINT and SIGTERM end it with status 0,"
                                        "every byte value comes back"};
    Finished run = run_check("0", options);
    INFO(run.output);
    CHECK(run.ending.status == 0);
    CHECK(run.output.find("end it with status 0: no\n") != std::string::npos);
    run = run_check("4", options);
    INFO(run.output);
    CHECK(run.ending.status == 1);
    CHECK(run.output.find("end it with status 0: NO\n") != std::string::npos);
}

TEST_CASE("check does not call a server good that was not tried") {
    Finished run = run_check("2", {"--server=" ECHO_SERVER, "--test-case=there is none"});
    INFO(run.output);
    CHECK(run.ending.status == 1);
    CHECK(run.output.find("All is well") == std::string::npos);
    CHECK(run.output.find("of 7 points none was tried") != std::string::npos);
    run = run_check("2", {"--server=" ECHO_SERVER, "--test-case=every byte value comes back"});
    INFO(run.output);
    CHECK(run.ending.status == 0);
    CHECK(run.output.find("All is well: of 7 points 1 was tried") != std::string::npos);
}

TEST_CASE("check refuses a program that is not such a server") {
    Finished run = run_check("0", {"--server=" WRONG_SERVER, "--server-arg=--mistake",
                                   "--server-arg=none of these"});
    INFO(run.output);
    CHECK(run.ending.status == 2);
    CHECK(run.output.find("has ended before it listened: status 2") != std::string::npos);
    CHECK(run.output.find("    listening on HOST:PORT\n") != std::string::npos);
}
