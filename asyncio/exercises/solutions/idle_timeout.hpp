// Exercise: a protocol that closes the connection of a silent client.
//
// IdleTimeout is a base class: a protocol that derives from it loses a client that has sent
// nothing for `limit`. The simple way is to cancel the timer and set a new one whenever data
// comes; a busy client then costs a timer for each message. It is cheaper to note the time when
// data comes, and to look at it when the timer fires: perhaps it fires too early, and then it
// is set again, for the rest.
//
// Mind the end: the timer must not fire when the protocol is gone.
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

    // If you override one of these, call it as well.
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
            start(end);
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
