// Experiment: just as the loop begins to wait, for a timer in one second, another thread leaves
// a callback with it. When is it called?
#include "event_loop.hpp"

#include "common/selector.hpp"

#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// Runs `job` in another thread before it waits for the first time.
class LateSelector : public Selector {
  public:
    explicit LateSelector(std::function<void()>& job) : job_(job) {}

    void register_fd(int fd, Events events) override { selector_->register_fd(fd, events); }
    void modify(int fd, Events events) override { selector_->modify(fd, events); }
    void unregister(int fd) override { selector_->unregister(fd); }
    const std::vector<ReadyFd>&
    select(std::optional<std::chrono::nanoseconds> timeout) override {
        if (job_) {
            std::thread(std::exchange(job_, nullptr)).join();
        }
        return selector_->select(timeout);
    }

  private:
    std::function<void()>& job_;
    std::unique_ptr<Selector> selector_ = make_default_selector();
};

int main() {
    std::function<void()> job;
    EventLoop loop(std::make_unique<LateSelector>(job));
    Clock::time_point start = Clock::now();
    auto callback = [&] {
        bool is_late = Clock::now() - start >= 1s;
        std::cout << "it is called " << (is_late ? "with the timer" : "at once") << '\n';
        loop.stop();
    };
    job = [&] {
        std::cout << "left with call_soon_threadsafe, ";
        loop.call_soon_threadsafe(callback);
    };
    loop.call_later(1s, [&loop] { loop.stop(); });
    loop.run_forever();
}
