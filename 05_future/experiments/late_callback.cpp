// Experiment: a callback is added to a Future that is done already. Is it called, and when?
#include "naive_future.hpp"

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
        std::cout << "  an iteration begins\n";
        return selector_->select(timeout);
    }

  private:
    std::unique_ptr<Selector> selector_ = make_default_selector();
};

void try_naive_future() {
    NaiveFuture future;
    future.set_result("data");
    bool is_called = false;
    future.add_done_callback([&is_called](NaiveFuture&) { is_called = true; });
    std::cout << "NaiveFuture\n  add_done_callback has returned\n"
              << (is_called ? "  the callback was called\n"
                            : "  the callback was not called\n");
}

void try_future() {
    EventLoop loop(std::make_unique<TellingSelector>());
    Future<std::string> future(loop);
    future.set_result("data");

    std::cout << "Future\n";
    loop.call_soon([&loop, future] {
        future.add_done_callback([&loop](Future<std::string> done) {
            std::cout << "  the callback is called, with " << done.result() << '\n';
            loop.stop();
        });
        std::cout << "  add_done_callback has returned\n";
    });
    loop.call_soon([] { std::cout << "  the last callback of this iteration\n"; });
    loop.run_forever();
}

int main() {
    try_naive_future();
    try_future();
}
