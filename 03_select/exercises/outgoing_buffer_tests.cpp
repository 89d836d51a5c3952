#include <outgoing_buffer.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <cstddef>
#include <string>
#include <utility>

TEST_CASE("an empty buffer") {
    OutgoingBuffer buffer;
    CHECK(buffer.size() == 0);
    CHECK(buffer.front() == "");
    step("append an empty string, remove nothing");
    buffer.append("");
    buffer.remove(0);
    CHECK(buffer.empty());
    CHECK(buffer.front() == "");
}

TEST_CASE("what goes in comes out") {
    OutgoingBuffer buffer;
    step("append \"hello\", then remove 2 bytes and 3 bytes");
    buffer.append("hello");
    CHECK(buffer.front() == "hello");
    buffer.remove(2);
    CHECK(buffer.front() == "llo");
    CHECK(buffer.size() == 3);
    buffer.remove(3);
    CHECK(buffer.empty());
    CHECK(buffer.size() == 0);
    CHECK(buffer.front() == "");
}

TEST_CASE("pieces come out in order") {
    OutgoingBuffer buffer;
    step("append \"one\", \"\" and \"two\", remove 1 byte, append \"three\"");
    buffer.append("one");
    buffer.append("");
    buffer.append("two");
    buffer.remove(1);
    buffer.append("three");
    CHECK(buffer.size() == 10);
    std::string out;
    while (!buffer.empty()) {
        REQUIRE_MESSAGE(!buffer.front().empty(), "front() is empty, though bytes are left");
        out += buffer.front().front();
        buffer.remove(1);
    }
    CHECK_MESSAGE(out == "netwothree", "bytes have been lost, or come in another order");
}

TEST_CASE("no byte is moved") {
    OutgoingBuffer buffer;
    std::string data(1'000'000, 'x');
    const char* first = data.data();
    step("append a megabyte: the string is taken over, not copied");
    buffer.append(std::move(data));
    bool is_same = buffer.front().data() == first;
    CHECK(is_same);
    step("after remove(1), the rest lies where it was");
    buffer.remove(1);
    is_same = buffer.front().data() == first + 1;
    CHECK_MESSAGE(is_same, "remove() has moved the bytes that are left");
    step("even when more is appended");
    for (int i = 0; i < 100; ++i) {
        buffer.append(std::string(1000, 'y'));
    }
    is_same = buffer.front().data() == first + 1;
    CHECK(is_same);
}

TEST_CASE("a client that reads slowly gets everything") {
    Connection connection;
    connection.server.set_blocking(false);
    connection.client.set_blocking(false);
    OutgoingBuffer buffer;
    std::string sent;
    for (int i = 0; i < 300; ++i) {
        std::string piece(static_cast<std::size_t>(i) * 100, static_cast<char>('a' + i % 26));
        sent += piece;
        buffer.append(piece);
    }
    step("4 MB in 300 pieces are sent as far as the kernel takes them, while the client reads");
    std::string received;
    while (received.size() < sent.size()) {
        if (!buffer.empty()) {
            buffer.remove(connection.server.try_send(buffer.front()).value_or(0));
        }
        received += connection.client.try_recv(16 * 1024).value_or("");
    }
    bool is_same = received == sent;
    CHECK(is_same);
    CHECK(buffer.empty());
}
