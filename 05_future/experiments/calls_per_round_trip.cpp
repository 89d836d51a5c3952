// Experiment: 1,000 messages to an AsyncSocket and back. How many system calls are for waiting,
// and how many only tell the system what to wait for?
#include "async_socket.hpp"
#include "event_loop.hpp"
#include "future.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>

struct Calls {
    int to_wait = 0;
    int to_register = 0;
};

class CountingSelector : public Selector {
  public:
    explicit CountingSelector(Calls& calls) : calls_(calls) {}

    void register_fd(int fd, Events events) override {
        ++calls_.to_register;
        selector_->register_fd(fd, events);
    }
    void modify(int fd, Events events) override {
        ++calls_.to_register;
        selector_->modify(fd, events);
    }
    void unregister(int fd) override {
        ++calls_.to_register;
        selector_->unregister(fd);
    }
    const std::vector<ReadyFd>&
    select(std::optional<std::chrono::nanoseconds> timeout) override {
        ++calls_.to_wait;
        return selector_->select(timeout);
    }

  private:
    Calls& calls_;
    std::unique_ptr<Selector> selector_ = make_default_selector();
};

// Echoes messages to the peer, which is in the same thread, until `messages` have come back.
void echo(EventLoop& loop, const AsyncSocket& client, Socket& peer, int messages) {
    if (messages == 0) {
        loop.stop();
        return;
    }
    peer.send_all("hello");
    client.recv(4096).add_done_callback(
        [&loop, client, &peer, messages](const Future<std::string>& received) {
            client.send_all(received.result()).result(); // throws if it is not done at once
            peer.recv(4096);
            echo(loop, client, peer, messages - 1);
        });
}

int main() {
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    Socket peer(ends[0], "peer");
    Calls calls;
    EventLoop loop(std::make_unique<CountingSelector>(calls));
    AsyncSocket client(loop, Socket(ends[1], "client"));

    calls = {}; // the loop has registered its pipe
    echo(loop, client, peer, 1000);
    loop.run_forever();
    std::cout << "calls to wait: " << calls.to_wait << '\n'
              << "calls to register or unregister: " << calls.to_register << '\n';
}
