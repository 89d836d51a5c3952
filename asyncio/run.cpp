#include "run.hpp"

#include "await_tree.hpp"

#include <csignal>
#include <cstddef>
#include <iostream>
#include <utility>

void cancel_all_tasks(EventLoop& loop) {
    auto tasks = tasks_of(loop); // a copy: a task that ends leaves the set
    std::size_t running = tasks.size();
    for (const auto& [number, task] : tasks) {
        task->as_future().cancel();
        task->as_future().add_done_callback([&loop, &running](FutureState&) {
            if (--running == 0) {
                loop.stop();
            }
        });
    }
    while (running > 0) { // even if one of them calls stop()
        loop.run_forever();
    }
}

void run(EventLoop& loop, Coroutine<void> main) {
    Task<void> task = create_task(loop, std::move(main));
    task.add_done_callback([&loop](Future<void>) { loop.stop(); });
    for (int signal : {SIGINT, SIGTERM}) {
        loop.add_signal_handler(signal, [&loop, task] {
            task.cancel();
            // A task may take its time, or refuse: the next signal ends the process.
            loop.remove_signal_handler(SIGINT);
            loop.remove_signal_handler(SIGTERM);
        });
    }
    loop.add_signal_handler(SIGUSR1, [&loop] { print_await_tree(loop, std::cerr); });
    loop.run_forever();
    cancel_all_tasks(loop);
    for (int signal : {SIGINT, SIGTERM, SIGUSR1}) {
        loop.remove_signal_handler(signal);
    }
    if (!task.cancelled()) {
        task.result();
    }
}
