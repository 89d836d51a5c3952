// Experiment: for one message a callback of an echo server takes 200 ms. How long does another
// client wait? And does the debug mode of the loop notice?
#include "event_loop.hpp"
#include "protocol.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;

std::binary_semaphore is_working(0);

// The mistake: it holds the loop, as a long computation would.
class SleepyProtocol : public Protocol {
  public:
    void connection_made(Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override {
        if (data == "work") {
            is_working.release(); // tells the experiment that we are here
            std::this_thread::sleep_for(200ms);
        }
        transport_->write(data);
    }
    void pause_writing() override { transport_->pause_reading(); }
    void resume_writing() override { transport_->resume_reading(); }

  private:
    Transport* transport_ = nullptr; // owns us
};

int main() {
    EventLoop loop;
    loop.set_debug(true);
    auto server = create_server(
        loop, [] { return std::make_unique<SleepyProtocol>(); }, "127.0.0.1", 0);
    std::string address = server->address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    std::thread thread([&loop] { loop.run_forever(); });

    Socket busy = connect_to("127.0.0.1", port);
    Socket other = connect_to("127.0.0.1", port);
    busy.send_all("work");
    is_working.acquire(); // the callback has begun
    auto start = std::chrono::steady_clock::now();
    other.send_all("hello");
    other.recv(4096);
    std::chrono::duration<double, std::milli> waited = std::chrono::steady_clock::now() - start;
    std::cout << "the other client waits " << (waited > 100ms ? "more" : "less")
              << " than 100 ms: " << std::round(waited.count()) << " ms\n";

    loop.call_soon_threadsafe([&loop] { loop.stop(); });
    thread.join();
}
