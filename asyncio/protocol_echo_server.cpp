// The echo server once more, with callbacks again, but on Transport and Protocol: only what is
// peculiar to an echo is left.
#include "event_loop.hpp"
#include "protocol.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

class EchoProtocol : public Protocol {
  public:
    void connection_made(Transport& transport) override {
        transport_ = &transport;
        log_line(transport_->address(), "connected");
    }
    void data_received(std::string_view data) override { transport_->write(data); }
    // Without these two a client that never reads would fill our memory.
    void pause_writing() override { transport_->pause_reading(); }
    void resume_writing() override { transport_->resume_reading(); }
    void connection_lost(std::exception_ptr error) override {
        log_line(transport_->address(), error ? message_of(error) : "disconnected");
    }

  private:
    static std::string message_of(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& exception) {
            return exception.what();
        }
    }

    Transport* transport_ = nullptr; // owns us
};

int main(int argc, char** argv) {
    try {
        LoopServerOptions options = parse_loop_server_options(argc, argv);
        EventLoop loop(make_selector(options.selector));
        for (int signal : {SIGINT, SIGTERM}) {
            loop.add_signal_handler(signal, [&loop] { loop.stop(); });
        }
        std::unique_ptr<Server> server = create_server(
            loop, [] { return std::make_unique<EchoProtocol>(); }, options.host, options.port);
        log_listening(server->address());
        loop.run_forever();
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
