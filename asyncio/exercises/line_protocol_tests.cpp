#include <line_protocol.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// What has happened to the protocol.
struct Log {
    std::vector<std::string> lines;
    bool is_lost = false;
};

class LoggingProtocol : public LineProtocol {
  public:
    LoggingProtocol(Log& log, std::size_t max_length) : LineProtocol(max_length), log_(log) {}
    void line_received(std::string_view line) override {
        log_.lines.emplace_back(line);
        if (line == "quit") {
            transport().close();
        }
        if (line == "echo") {
            transport().write("echo\n");
        }
    }
    void connection_lost(std::exception_ptr) override { log_.is_lost = true; }

  private:
    Log& log_;
};

struct Fixture {
    EventLoop loop;
    Connection connection;
    Socket& client = connection.client;
    Log log;
    std::optional<Transport> transport;

    explicit Fixture(std::size_t max_length = 1000) {
        transport.emplace(loop, std::move(connection.server),
                          std::make_unique<LoggingProtocol>(log, max_length), [] {});
    }
    void run_until_lines(std::size_t count,
                         const char* if_not = "no more lines were given out") {
        run_until(
            loop, [this, count] { return log.lines.size() >= count; }, if_not);
    }
    void run_until_lost() {
        run_until(loop, [this] { return log.is_lost; });
    }
};

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("lines that come in one piece") {
    Fixture fixture;
    step("the client sends \"one\\n\\ntwo\\nthr\"");
    fixture.client.send_all("one\n\ntwo\nthr");
    fixture.run_until_lines(3, "one piece has brought three lines: they were not given out");
    CHECK(fixture.log.lines == Lines{"one", "", "two"});
    step("and \"ee\\n\"");
    fixture.client.send_all("ee\n");
    fixture.run_until_lines(4);
    CHECK(fixture.log.lines == Lines{"one", "", "two", "three"});
}

TEST_CASE("a line that comes one byte at a time") {
    EventLoop loop;
    Connection connection;
    Log log;
    LoggingProtocol protocol(log, 1000);
    Transport transport(loop, std::move(connection.server), std::make_unique<Protocol>(),
                        [] {});
    protocol.connection_made(transport);
    step("data_received is called for each byte of \"hello\\n\"");
    for (char byte : std::string("hello\n")) {
        CHECK(log.lines.empty());
        protocol.data_received(std::string(1, byte));
    }
    CHECK(log.lines == Lines{"hello"});
}

TEST_CASE("the last line may lack its end") {
    Fixture fixture;
    step("the client sends \"one\\ntwo\" and half-closes");
    fixture.client.send_all("one\ntwo");
    fixture.client.shutdown_write();
    fixture.run_until_lost();
    Lines expected = {"one", "two"};
    CHECK_MESSAGE(fixture.log.lines == expected,
                  "what comes after the last '\\n' is a line, too");
}

TEST_CASE("no line after the last end") {
    Fixture fixture;
    step("the client sends \"one\\n\" and half-closes");
    fixture.client.send_all("one\n");
    fixture.client.shutdown_write();
    fixture.run_until_lost();
    CHECK(fixture.log.lines == Lines{"one"});
}

TEST_CASE("the last line may be answered") {
    Fixture fixture;
    step("the client sends \"echo\" without '\\n' and half-closes");
    fixture.client.send_all("echo");
    fixture.client.shutdown_write();
    fixture.run_until_lost();
    CHECK(fixture.client.recv(100) == "echo\n");
    CHECK(fixture.client.recv(100) == "");
}

TEST_CASE("a line as long as the limit") {
    Fixture fixture(5);
    step("the limit is 5 bytes; the client sends \"hello\\n\" twice");
    fixture.client.send_all("hello\nhello\n");
    fixture.run_until_lines(2);
    CHECK(fixture.log.lines == Lines{"hello", "hello"});
    CHECK(!fixture.log.is_lost);
}

TEST_CASE("a longer line ends the connection") {
    for (std::string line : {"hello!\n", "hello!"}) {
        Fixture fixture(5);
        step("the limit is 5 bytes; the client sends \"one\\n\" and \"hello!\", then waits");
        fixture.client.send_all("one\n" + line);
        fixture.run_until_lost();
        CHECK(fixture.log.lines == Lines{"one"});
    }
}

TEST_CASE("after close() no more lines") {
    Fixture fixture;
    step("the client sends \"one\\nquit\\ntwo\\n\"; the protocol closes at \"quit\"");
    fixture.client.send_all("one\nquit\ntwo\n");
    fixture.run_until_lost();
    Lines expected = {"one", "quit"};
    CHECK_MESSAGE(fixture.log.lines == expected, "who has closed gets no more lines");
    CHECK(fixture.client.recv(100) == "");
}
