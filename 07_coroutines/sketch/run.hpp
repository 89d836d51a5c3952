// A Task as one writes it first: a coroutine that belongs to nobody.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"

#include <coroutine>
#include <csignal>
#include <utility>

struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }        // runs at once
        std::suspend_never final_suspend() noexcept { return {}; } // destroys itself
        void return_void() {}
        void unhandled_exception() { throw; } // to whoever has resumed us: the loop
    };
};

inline Task create_task(Coroutine<void> coroutine) {
    co_await coroutine;
}

inline void run(EventLoop& loop, Coroutine<void> main) {
    for (int signal : {SIGINT, SIGTERM}) {
        loop.add_signal_handler(signal, [&loop] { loop.stop(); });
    }
    create_task(std::move(main));
    loop.run_forever();
}
