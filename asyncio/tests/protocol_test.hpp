// A Protocol that records what it is told, on a Server that has one client.
#pragma once

#include "event_loop.hpp"
#include "protocol.hpp"
#include "tests/testing.hpp"

#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a protocol was told, in order; the test decides how it answers.
struct Record {
    std::string calls;    // "made data eof lost"
    std::string received; // all data
    std::exception_ptr error;
    Transport* transport = nullptr;
    std::function<void(std::string_view)> on_data = [](std::string_view) {};
    std::function<bool()> on_eof = [] { return false; };
    std::function<void()> on_resume = [] {};
};

class RecordingProtocol : public Protocol {
  public:
    explicit RecordingProtocol(Record& record) : record_(record) {}
    void connection_made(Transport& transport) override {
        record_.transport = &transport;
        add("made");
    }
    void data_received(std::string_view data) override {
        if (!record_.calls.ends_with("data")) {
            add("data");
        }
        record_.received += data;
        record_.on_data(data);
    }
    bool eof_received() override {
        add("eof");
        return record_.on_eof();
    }
    void connection_lost(std::exception_ptr error) override {
        record_.error = error;
        add("lost");
    }
    void pause_writing() override { add("pause"); }
    void resume_writing() override {
        add("resume");
        record_.on_resume();
    }

  private:
    void add(const std::string& call) {
        record_.calls += (record_.calls.empty() ? "" : " ") + call;
    }

    Record& record_;
};

// A server, and a client that is connected to it; both in this thread.
struct ProtocolTest {
    int polls = 0;
    EventLoop loop{std::make_unique<CountingSelector>(polls)};
    std::vector<std::string> reports;
    Record record;
    std::unique_ptr<Server> server;
    std::optional<Socket> client;

    ProtocolTest() {
        loop.set_exception_handler(
            [this](const ExceptionContext& context) { reports.push_back(context.message); });
        server = create_server(
            loop, [this] { return std::make_unique<RecordingProtocol>(record); }, "127.0.0.1",
            0);
        client = connect();
        run_until(loop, [this] { return record.calls == "made"; });
    }

    Socket connect() {
        Socket socket = connect_to("127.0.0.1", port_of(server->address()));
        socket.set_blocking(false);
        return socket;
    }

    bool is_lost() const { return record.calls.ends_with("lost"); }

    // What the client receives until the end of the stream.
    std::string receive_all() {
        std::string all;
        run_until(loop, [&] {
            while (std::optional<std::string> data = client->try_recv(16384)) {
                if (data->empty()) {
                    return true;
                }
                all += *data;
            }
            return false;
        });
        return all;
    }
};

inline std::string numbered_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) {
        bytes[i] = static_cast<char>(i * 7 + i / 251);
    }
    return bytes;
}
