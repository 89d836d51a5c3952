#include <messages.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

TEST_CASE("on the wire: four bytes of length, then the text") {
    Connection connection;
    step("the server sends the message \"hello\"");
    send_message(connection.server, "hello");
    connection.server.shutdown_write();
    std::string bytes;
    for (std::string data = connection.client.recv(100); !data.empty();
         data = connection.client.recv(100)) {
        bytes += data;
    }
    CHECK_MESSAGE(bytes == std::string("\0\0\0\5hello", 9),
                  "the most significant byte comes first");
}

TEST_CASE("a message that comes in pieces") {
    Connection connection;
    INFO("one recv may bring a part of the length, or of the text");
    step("the client sends a message of 300 bytes in three pieces; the first is half a length");
    std::string text(300, 'x');
    ClientThread thread(connection, [&text, &connection](Socket& client) {
        client.send_all(std::string("\0\0", 2));
        connection.wait_until_received();
        client.send_all(std::string("\1\54", 2) + text.substr(0, 100));
        connection.wait_until_received();
        client.send_all(text.substr(100));
    });
    std::optional<std::string> received = receive_message(connection.server);
    bool is_same = received == text;
    CHECK(is_same);
}

TEST_CASE("messages that come in one piece") {
    Connection connection;
    step("the client sends \"one\", \"\" and a zero byte, one after the other");
    send_message(connection.client, "one");
    send_message(connection.client, "");
    send_message(connection.client, std::string(1, '\0'));
    CHECK(receive_message(connection.server) == "one");
    CHECK(receive_message(connection.server) == "");
    CHECK(receive_message(connection.server) == std::string(1, '\0'));
}

TEST_CASE("lengths of all sizes") {
    for (std::size_t size :
         {1ul, 127ul, 128ul, 255ul, 256ul, 65'535ul, 65'536ul, 1'048'576ul}) {
        Connection connection;
        INFO("a char may be negative, and a byte of the length may be above 127");
        step("a message of " + std::to_string(size) + " bytes");
        std::string text(size, 'x');
        ClientThread thread(connection,
                            [&text](Socket& client) { send_message(client, text); });
        std::optional<std::string> received = receive_message(connection.server);
        bool is_same = received == text;
        CHECK(is_same);
    }
}

TEST_CASE("the end of the stream between two messages") {
    Connection connection;
    step("the client sends \"bye\" and half-closes");
    send_message(connection.client, "bye");
    connection.client.shutdown_write();
    CHECK(receive_message(connection.server) == "bye");
    CHECK(receive_message(connection.server) == std::nullopt);
    step("the server can still answer");
    send_message(connection.server, "bye");
    CHECK(receive_message(connection.client) == "bye");
}

TEST_CASE("the end of the stream in the middle of a message") {
    for (std::string start :
         {std::string("\0", 1), std::string("\0\0\0\5", 4), std::string("\0\0\0\5hell", 8)}) {
        Connection connection;
        step("the client sends the first " + std::to_string(start.size()) +
             " of 9 bytes and half-closes");
        connection.client.send_all(start);
        connection.client.shutdown_write();
        INFO("a stream that ends within a message is an error, no good end");
        CHECK_THROWS_AS(receive_message(connection.server), std::runtime_error);
    }
}

TEST_CASE("a message that is too long") {
    Connection connection;
    step("the client claims to send 4,294,967,295 bytes, and sends none");
    connection.client.send_all("\xff\xff\xff\xff");
    CHECK_THROWS_AS(receive_message(connection.server), std::length_error);
    step("the server tries to send one byte more than MAX_MESSAGE");
    std::string text(MAX_MESSAGE + 1, 'x');
    CHECK_THROWS_AS(send_message(connection.server, text), std::length_error);
    step("nothing of it has been sent: the next message arrives");
    send_message(connection.server, "hello");
    CHECK(receive_message(connection.client) == "hello");
}
