#include <line_reader.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

TEST_CASE("one line") {
    Connection connection;
    LineReader reader(connection.server);
    step("the client sends \"hello\\n\"");
    connection.client.send_all("hello\n");
    CHECK(reader.read_line() == "hello\n");
}

TEST_CASE("a line that comes in pieces") {
    Connection connection;
    LineReader reader(connection.server);
    step("the client sends 10,000 bytes, ten at a time, and then the end of the line");
    ClientThread thread(connection, [](Socket& client) {
        for (int i = 0; i < 1000; ++i) {
            client.send_all("0123456789");
        }
        client.send_all("\n");
    });
    std::string line = reader.read_line();
    CHECK_MESSAGE(line.size() == 10'001, "a recv may bring a part of a line");
    CHECK(line.ends_with('\n'));
}

TEST_CASE("two lines that come in one piece") {
    Connection connection;
    LineReader reader(connection.server);
    step("the client sends \"one\\ntwo\\n\" at once, and half-closes");
    connection.client.send_all("one\ntwo\n");
    connection.client.shutdown_write();
    CHECK(reader.read_line() == "one\n");
    std::string second = reader.read_line();
    CHECK_MESSAGE(second == "two\n", "what a recv brings after the first line is to be kept");
}

TEST_CASE("many lines that come in one piece") {
    Connection connection;
    LineReader reader(connection.server);
    step(
        "the client sends \"one\\n\\ntwo\\nthr\" at once: one line is empty, the last is half");
    connection.client.send_all("one\n\ntwo\nthr");
    CHECK(reader.read_line() == "one\n");
    CHECK(reader.read_line() == "\n");
    CHECK(reader.read_line() == "two\n");
    step("and then the other half");
    connection.client.send_all("ee\n");
    CHECK(reader.read_line() == "three\n");
}

TEST_CASE("the end of the stream") {
    Connection connection;
    LineReader reader(connection.server);
    step("the client sends \"one\\ntwo\" and half-closes: the last line has no end");
    connection.client.send_all("one\ntwo");
    connection.client.shutdown_write();
    CHECK(reader.read_line() == "one\n");
    std::string last = reader.read_line();
    CHECK_MESSAGE(last == "two", "what comes after the last '\\n' is a line, too");
    CHECK(reader.read_line() == "");
    CHECK(reader.read_line() == "");
}

TEST_CASE("zero bytes are bytes like others") {
    Connection connection;
    LineReader reader(connection.server);
    std::string line("a\0b\0\n", 5);
    step("the client sends a line with zero bytes in it");
    connection.client.send_all(line);
    CHECK(reader.read_line() == line);
}

TEST_CASE("a line may be as long as the limit") {
    Connection connection;
    LineReader reader(connection.server, 6);
    step("the limit is 6 bytes, and the client sends \"hello\\n\" twice");
    connection.client.send_all("hello\nhello\n");
    CHECK(reader.read_line() == "hello\n");
    CHECK(reader.read_line() == "hello\n");
    step("the last line, without '\\n', is 6 bytes long as well");
    connection.client.send_all("Hello!");
    connection.client.shutdown_write();
    CHECK(reader.read_line() == "Hello!");
}

TEST_CASE("a longer line is refused") {
    Connection connection;
    LineReader reader(connection.server, 5);
    step("the limit is 5 bytes, and the client sends \"hello\\n\"");
    connection.client.send_all("hello\n");
    CHECK_THROWS_AS(reader.read_line(), std::length_error);
}

TEST_CASE("a line without an end is refused before it has come") {
    Connection connection;
    LineReader reader(connection.server, 10'000);
    step("the limit is 10,000 bytes, and the client sends 20,000,000 times 'x'");
    std::atomic<bool> is_all_received = false;
    ClientThread thread(connection, [&is_all_received](Socket& client) {
        client.send_all(std::string(20'000'000, 'x'));
        is_all_received = true; // but for what the kernel holds
        client.shutdown_write();
    });
    CHECK_THROWS_AS(reader.read_line(), std::length_error);
    CHECK_MESSAGE(!is_all_received, "the limit is to be checked while the line is coming");
}
