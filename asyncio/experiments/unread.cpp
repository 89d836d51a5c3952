// Experiment: a Protocol writes 10 MB to a peer that does not read. How much of it is kept in the
// memory of the program? One heeds pause_writing, the other does not.
#include "event_loop.hpp"
#include "protocol.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

using namespace std::chrono_literals;

class Writer : public Protocol {
  public:
    Writer(EventLoop& loop, bool is_careful) : loop_(loop), is_careful_(is_careful) {}

    void connection_made(Transport& transport) override {
        transport_ = &transport;
        write();
    }
    void pause_writing() override { is_paused_ = is_careful_; }
    void resume_writing() override { is_paused_ = false; }

  private:
    void write() {
        std::string piece(10'000, 'x');
        for (int i = 0; i < 1000 && !is_paused_; ++i) {
            transport_->write(piece);
        }
        bool is_much = transport_->get_write_buffer_size() > 100'000;
        std::cout << "  in the buffer: " << (is_much ? "more" : "less")
                  << " than 100,000 bytes\n";
        loop_.stop();
    }

    EventLoop& loop_;
    bool is_careful_;
    bool is_paused_ = false;
    Transport* transport_ = nullptr; // owns us
};

void try_it(bool is_careful) {
    EventLoop loop;
    auto server = create_server(
        loop, [&] { return std::make_unique<Writer>(loop, is_careful); }, "127.0.0.1", 0);
    const std::string& address = server->address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    Socket peer = connect_to("127.0.0.1", port); // and does not read
    loop.run_forever();
}

int main() {
    std::cout << "pause_writing is ignored\n";
    try_it(false);
    std::cout << "pause_writing is heeded\n";
    try_it(true);
}
