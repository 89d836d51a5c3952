// Experiment: a callback is added to a Future that is done already. Is it called, and when?
#include "event_loop.hpp"
#include "future.hpp"

#include "common/selector.hpp"

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Says when the loop asks it: that is the beginning of each iteration.
class TellingSelector : public Selector {
  public:
    void register_fd(int fd, Events events) override { selector_->register_fd(fd, events); }
    void modify(int fd, Events events) override { selector_->modify(fd, events); }
    void unregister(int fd) override { selector_->unregister(fd); }
    const std::vector<ReadyFd>&
    select(std::optional<std::chrono::nanoseconds> timeout) override {
        std::cout << "an iteration begins\n";
        return selector_->select(timeout);
    }

  private:
    std::unique_ptr<Selector> selector_ = make_default_selector();
};

int main() {
    EventLoop loop(std::make_unique<TellingSelector>());
    Future<std::string> future(loop);
    future.set_result("data");

    loop.call_soon([future] {
        future.add_done_callback([](const Future<std::string>& done) {
            std::cout << "the callback is called, with " << done.result() << '\n';
        });
        std::cout << "add_done_callback has returned\n";
    });
    loop.call_soon([] { std::cout << "the last callback of this iteration\n"; });
    loop.call_later(std::chrono::milliseconds(100), [&loop] { loop.stop(); });
    loop.run_forever();
}
