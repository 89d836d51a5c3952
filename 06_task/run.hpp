// Runs a program that is made of Tasks, from its first coroutine to the end.
#pragma once

#include "event_loop.hpp"
#include "task.hpp"

#include <csignal>
#include <exception>
#include <utility>

// The coroutine whose end is that of the program.
inline Coroutine<void> run_main(EventLoop& loop, Coroutine<void> main) {
    try {
        co_yield elements_of(std::move(main));
        loop.stop();
    } catch (...) {
        loop.stop(std::current_exception());
    }
}

// Runs `main` until it has ended, or SIGINT or SIGTERM arrives; then destroys all Tasks that
// still wait, and closes the loop. Throws what `main` has thrown. (asyncio.run)
inline void run(EventLoop& loop, Coroutine<void> main) {
    struct AtEnd {
        EventLoop& loop;
        ~AtEnd() {
            destroy_pending_tasks();
            loop.close();
        }
    } at_end{loop};
    for (int signal : {SIGINT, SIGTERM}) {
        loop.add_signal_handler(signal, [&loop] { loop.stop(); });
    }
    create_task(run_main(loop, std::move(main)));
    loop.run_forever();
}
