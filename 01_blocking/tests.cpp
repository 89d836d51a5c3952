// Tests of the echo client. The server's own tests are those that every stage passes.
#include "support/testing/server_process.hpp"

#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <thread>

namespace {

const std::string CLIENT = PROGRAMS "/echo_client";

// Runs the client with what a shell command prints as its standard input.
Finished run_client(const std::string& input, const std::string& arguments) {
    return run_program("/bin/sh", {"-c", input + " | " + CLIENT + " " + arguments}, patience);
}

Finished talk_to(const ServerProcess& server, const std::string& input) {
    return run_client(input, "127.0.0.1 " + std::to_string(server.port()));
}

std::string port_of(const Socket& listener) {
    return listener.address().substr(listener.address().rfind(':') + 1);
}

} // namespace

TEST_CASE("echo_client prints the echo of each line") {
    ServerProcess server(PROGRAMS "/echo_server");
    Finished client = talk_to(server, "printf 'one\\n\\nthree\\n'");
    CHECK(client.output == "one\n\nthree\n");
    CHECK(client.errors == "");
    CHECK(client.ending.status == 0);
}

TEST_CASE("echo_client sends a last line that has no end") {
    ServerProcess server(PROGRAMS "/echo_server");
    CHECK(talk_to(server, "printf 'one\\ntwo'").output == "one\ntwo\n");
}

TEST_CASE("echo_client gets a line of many megabytes back") {
    ServerProcess server(PROGRAMS "/echo_server");
    const std::size_t size = 20'000'000;
    Finished client = talk_to(server, "head -c 20000000 /dev/zero");
    CHECK(client.output.size() == size + 1);
    CHECK(client.output == std::string(size, '\0') + '\n');
    CHECK(client.ending.status == 0);
}

TEST_CASE("echo_client says so when no server listens") {
    std::string port = port_of(listen_on("127.0.0.1", 0)); // which is closed again
    Finished client = run_client("echo hello", "127.0.0.1 " + port);
    CHECK(client.errors.starts_with("echo_client: cannot connect to 127.0.0.1:"));
    CHECK(client.errors.find('\n') == client.errors.size() - 1);
    CHECK(client.ending.status == 1);
}

TEST_CASE("echo_client says so when the server leaves in the middle") {
    Socket listener = listen_on("127.0.0.1", 0);
    std::thread server([&] {
        Socket client = listener.accept();
        client.send_all(client.recv(2)); // of six bytes
        client.recv(100);
    });
    Finished client = run_client("printf 'hello\\n'", "127.0.0.1 " + port_of(listener));
    server.join();
    CHECK(client.errors == "echo_client: the server has closed the connection\n");
    CHECK(client.ending.status == 1);
}

TEST_CASE("echo_client answers wrong arguments with the usage") {
    for (std::string arguments : {"--help", "127.0.0.1 0", "127.0.0.1 65536", "127.0.0.1 http",
                                  "127.0.0.1 8888 more"}) {
        CAPTURE(arguments);
        Finished client = run_client("true", arguments);
        CHECK(client.errors.starts_with("usage: "));
        CHECK(client.ending.status == 2);
    }
}
