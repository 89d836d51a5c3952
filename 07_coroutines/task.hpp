// A Task runs a coroutine on its own: nothing awaits it, and it destroys itself at its end. It is
// a coroutine of another kind, which awaits the one that it is given.
#pragma once

#include "coroutine.hpp"

#include "common/log.hpp"

#include <coroutine>
#include <set>
#include <utility>

struct Task {
    struct promise_type {
        promise_type() { pending.insert(this); }
        ~promise_type() { pending.erase(this); }
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }        // runs at once
        std::suspend_never final_suspend() noexcept { return {}; } // destroys itself
        void return_void() {}
        void unhandled_exception() { log_exception("exception in a Task"); } // ends only it
    };
    static inline std::set<promise_type*> pending; // of all Tasks that have not ended
};

// Starts to run the coroutine, to its first wait.
inline Task create_task(Coroutine<void> coroutine) {
    co_await coroutine;
}

// Destroys the frames of all Tasks where they stand, and those of the coroutines they await.
inline void destroy_pending_tasks() {
    while (!Task::pending.empty()) {
        Task::promise_type& task = **Task::pending.begin();
        std::coroutine_handle<Task::promise_type>::from_promise(task).destroy();
    }
}
