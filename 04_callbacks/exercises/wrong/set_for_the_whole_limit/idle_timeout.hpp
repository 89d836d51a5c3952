// Wrong: a timer that has fired too early is set for the whole limit
// Test: a timer that fires too early is set again for the rest
// Says: the timer was set for the whole limit
#pragma once

#include "event_loop.hpp"
#include "protocol.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <string_view>

// The loop must outlive it.
class IdleTimeout : public Protocol {
  public:
    IdleTimeout(EventLoop& loop, std::chrono::nanoseconds limit) : loop_(loop), limit_(limit) {}
    // A server that is destroyed destroys its protocols without connection_lost.
    ~IdleTimeout() override { stop(); }

    // Whoever overrides one of these calls it as well.
    void connection_made(Transport& transport) override {
        transport_ = &transport;
        last_activity_ = loop_.time();
        start(last_activity_ + limit_);
    }
    void data_received(std::string_view) override { last_activity_ = loop_.time(); }
    void connection_lost(std::exception_ptr) override { stop(); }

  private:
    void start(Clock::time_point when) {
        timer_ = loop_.call_at(when, [this] { on_timer(); });
    }
    void stop() {
        if (timer_) {
            timer_->cancel();
        }
    }

    void on_timer() {
        Clock::time_point end = last_activity_ + limit_;
        if (loop_.time() < end) {
            start(loop_.time() + limit_);
        } else {
            transport_->abort(); // close() would wait for a client that does not read either
        }
    }

    EventLoop& loop_;
    std::chrono::nanoseconds limit_;
    Transport* transport_ = nullptr; // owns us
    Clock::time_point last_activity_ = {};
    std::optional<Handle> timer_;
};
