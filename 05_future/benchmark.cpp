// What waiting costs with Futures and callbacks. The same questions as in the later stages.
#include "event_loop.hpp"
#include "future.hpp"

#include "support/benchmark.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>

using namespace std::chrono_literals;

// n Futures in turn: each is made, waited for, and completed in the next iteration.
void wait_in_turn(std::size_t n) {
    EventLoop loop;
    std::function<void()> next = [&] {
        if (n-- == 0) {
            loop.stop();
            return;
        }
        Future<void> future(loop);
        future.add_done_callback([&](Future<void>) { next(); });
        loop.call_soon([future] { future.set_result(); });
    };
    next();
    loop.run_forever();
}

// n callbacks, one iteration each: what giving up the turn costs here.
void give_up_turn(std::size_t n) {
    EventLoop loop;
    std::function<void()> again = [&] {
        if (n-- == 0) {
            loop.stop();
        } else {
            loop.call_soon(again);
        }
    };
    again();
    loop.run_forever();
}

void set_and_cancel_timers() {
    EventLoop loop;
    for (int i = 0; i < 100'000; ++i) {
        loop.call_later(1h, [] {});
    }
    measure("set and cancel a timer, 100,000 others pending", [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            loop.call_later(1s, [] {}).cancel();
            if (i % 100 == 0) { // as in a real program the loop runs now and then
                loop.stop();
                loop.run_forever();
            }
        }
    });
}

int main() {
    std::puts("05_future");
    measure("wait for a Future that is done one iteration later", wait_in_turn);
    measure("one iteration of the loop, with its poll", give_up_turn);
    set_and_cancel_timers();
}
