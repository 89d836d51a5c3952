// What a Protocol is told, in which order, and what a Transport does with its bytes.
#include "tests/protocol_test.hpp"
#include "tests/testing.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("Protocol");

TEST_CASE("connection_made comes first, then data, eof and connection_lost, each once") {
    ProtocolTest test;
    test.client->send_all("ab");
    test.client->shutdown_write();
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK(test.record.calls == "made data eof lost");
    CHECK(test.record.received == "ab");
    CHECK(test.record.error == nullptr);
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made data eof lost");
    CHECK(test.receive_all() == "");
}

TEST_CASE("after eof_received returned true the protocol may still write") {
    ProtocolTest test;
    test.record.on_eof = [] { return true; };
    test.client->shutdown_write();
    run_until(test.loop, [&] { return test.record.calls == "made eof"; });
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made eof");
    test.record.transport->write("tail");
    test.record.transport->close();
    CHECK(test.receive_all() == "tail");
    CHECK(test.record.calls == "made eof lost");
}

TEST_CASE("what the kernel does not take is kept in order, and then the writer is removed") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    for (std::size_t i = 0; i < bytes.size(); i += 100'000) {
        test.record.transport->write(std::string_view(bytes).substr(i, 100'000));
    }
    CHECK(test.record.transport->get_write_buffer_size() > 0);
    std::string received;
    run_until(test.loop, [&] {
        while (std::optional<std::string> data = test.client->try_recv(16384)) {
            received += *data;
        }
        return received.size() == bytes.size();
    });
    CHECK(received == bytes);
    CHECK(test.record.transport->get_write_buffer_size() == 0);
    test.polls = 0;
    test.loop.call_later(20ms, [&] { test.loop.stop(); });
    test.loop.run_forever();
    CHECK(test.polls <= 3); // with a writer left behind this would have spun
}

TEST_CASE("after write the caller may use its buffer again") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    std::string buffer = bytes;
    test.record.transport->write(buffer);
    buffer.assign(buffer.size(), 'x');
    test.record.transport->close();
    CHECK(test.receive_all() == bytes);
}

TEST_CASE("write_eof takes effect after the buffer, once, and reading goes on") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    test.record.transport->write(bytes);
    test.record.transport->write_eof();
    test.record.transport->write_eof();
    CHECK_THROWS_AS(test.record.transport->write("x"), std::logic_error);
    CHECK(test.receive_all() == bytes);
    test.client->send_all("still there");
    run_until(test.loop, [&] { return test.record.received == "still there"; });
    CHECK_FALSE(test.is_lost());
}

TEST_CASE("write_eof from within resume_writing shuts down once") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    test.record.on_resume = [&] { test.record.transport->write_eof(); };
    test.record.transport->write(bytes);
    CHECK(test.receive_all() == bytes);
    CHECK_FALSE(test.is_lost()); // a second shutdown could have failed
}

TEST_CASE("abort drops the buffer, and connection_lost comes once, in a later iteration") {
    ProtocolTest test;
    test.record.transport->write(numbered_bytes(8 << 20));
    test.record.transport->abort();
    CHECK_FALSE(test.is_lost());
    test.record.transport->abort();
    test.record.transport->close();
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made pause lost");
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made pause lost");
}

TEST_CASE("a second close does nothing") {
    ProtocolTest test;
    test.record.transport->close();
    test.record.transport->close();
    CHECK(test.record.transport->is_closing());
    CHECK_FALSE(test.is_lost());
    test.record.transport->write("ignored");
    run_one_iteration(test.loop);
    CHECK(test.record.calls == "made lost");
    CHECK(test.receive_all() == "");
}

TEST_CASE("a reset ends only that connection") {
    ProtocolTest test;
    test.record.transport->write("unread");
    run_until(test.loop, [&] { return test.client->try_recv(1).has_value(); });
    test.client.reset(); // with unread data: a reset
    run_until(test.loop, [&] { return test.is_lost(); });
    CHECK_THROWS_AS(std::rethrow_exception(test.record.error), std::system_error);
    CHECK(test.reports.empty());
    test.record.calls.clear();
    test.client = test.connect();
    run_until(test.loop, [&] { return test.record.calls == "made"; });
}

TEST_CASE("nothing is read between pause_reading and resume_reading") {
    ProtocolTest test;
    test.record.transport->pause_reading();
    test.record.transport->pause_reading();
    CHECK_FALSE(test.record.transport->is_reading());
    test.client->send_all("x");
    for (int i = 0; i < 3; ++i) {
        run_one_iteration(test.loop);
    }
    CHECK(test.record.received == "");
    test.record.transport->resume_reading();
    test.record.transport->resume_reading();
    CHECK(test.record.transport->is_reading());
    run_until(test.loop, [&] { return test.record.received == "x"; });
}

TEST_CASE("pause_writing comes above the high mark, resume_writing at the low one") {
    ProtocolTest test;
    CHECK_THROWS_AS(test.record.transport->set_write_buffer_limits(4097, 4096),
                    std::invalid_argument);
    test.record.transport->set_write_buffer_limits(1024, 4096);
    while (test.record.transport->get_write_buffer_size() == 0) { // until the kernel is full
        test.record.transport->write(std::string(1024, 'x'));
        REQUIRE(test.record.calls == "made");
    }
    std::size_t size = test.record.transport->get_write_buffer_size();
    test.record.transport->write(std::string(4096 - size, 'x'));
    CHECK(test.record.transport->get_write_buffer_size() == 4096);
    CHECK(test.record.calls == "made"); // equal is not above
    test.record.transport->write("x");
    CHECK(test.record.calls == "made pause");
    test.record.transport->write("x");
    CHECK(test.record.calls == "made pause");
    run_until(test.loop, [&] {
        while (test.client->try_recv(16384)) {
        }
        return test.record.transport->get_write_buffer_size() == 0;
    });
    CHECK(test.record.calls == "made pause resume");
}

TEST_CASE("a transport that is written to in each iteration sends all the same, in order") {
    ProtocolTest test;
    std::string bytes = numbered_bytes(8 << 20);
    test.record.transport->write(bytes);
    std::size_t writes = 0;
    bool is_writing = true;
    std::function<void()> write_more = [&] {
        if (is_writing) {
            test.record.transport->write("x");
            ++writes;
            test.loop.call_soon(write_more);
        }
    };
    write_more();
    std::string received;
    run_until(test.loop, [&] {
        while (std::optional<std::string> data = test.client->try_recv(16384)) {
            received += *data;
        }
        return received.size() > bytes.size();
    });
    is_writing = false;
    run_one_iteration(test.loop);
    CHECK(received.starts_with(bytes));
    std::string later = received.substr(bytes.size());
    CHECK(later == std::string(later.size(), 'x'));
    CHECK(later.size() <= writes);
}

TEST_CASE("a transport that is told in each iteration to resume reading reads all the same") {
    ProtocolTest test;
    int calls = 0;
    bool is_resuming = true;
    std::function<void()> resume = [&] {
        if (is_resuming) {
            test.record.transport->resume_reading();
            ++calls;
            test.loop.call_soon(resume);
        }
    };
    resume();
    test.client->send_all("x");
    run_until(test.loop, [&] { return test.record.received == "x"; });
    is_resuming = false;
    int calls_before = calls;
    run_one_iteration(test.loop);
    CHECK(calls == calls_before);
    CHECK(calls > 1);
    CHECK(test.record.calls == "made data"); // once: a byte is not read twice
    CHECK(test.record.received == "x");
}

TEST_SUITE_END();
