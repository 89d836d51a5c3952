// Exercise: tasks that end together.
//
// gather throws the first error at once, and the other tasks run on, though nothing waits for
// them any more. A TaskGroup leaves no task behind ("structured concurrency",
// asyncio.TaskGroup):
//   - join() returns when all tasks of the group have ended, however long their clean-up takes;
//   - the first error cancels all others; when they have ended, join() throws it;
//   - if the task that waits in join() is cancelled, so are all tasks; when they have ended,
//     join() throws CancelledError. If one of them has failed it throws that error instead, and
//     the next co_await of the waiting task throws CancelledError: otherwise a group inside
//     another one would swallow the cancellation (as TaskGroup did before Python 3.13);
//   - a task that was cancelled from outside is not an error.
//
// The callbacks of the tasks may run when the TaskGroup is gone: so they own the State, and a
// State has only weak references to the tasks.
#pragma once

#include "awaiters.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

class TaskGroup {
  public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    // Without join(), an exception has ended the block: its tasks are not needed any more.
    ~TaskGroup() { cancel_all(*state_); }

    // Starts a task in the loop that runs. Throws std::logic_error if a task of the group has
    // failed already.
    template <typename T>
    Task<T> create_task(Coroutine<T> coroutine) {
        if (state_->error) {
            throw std::logic_error("a task of this group has failed");
        }
        Task<T> task = ::create_task(std::move(coroutine));
        state_->running[task.state().get()] = task.state();
        task.state()->add_done_callback(
            [state = state_](FutureState& ended) { on_end(*state, ended); });
        return task;
    }

    // Waits for all tasks, also those that are added meanwhile. Only one may wait.
    Coroutine<void> join() { return join(state_); }

  private:
    struct State {
        std::map<FutureState*, std::weak_ptr<FutureState>> running;
        std::exception_ptr error;            // the first
        std::optional<Future<void>> joining; // done when `running` is empty
    };

    static void cancel_all(State& state) {
        for (const auto& [key, weak_task] : state.running) {
            if (std::shared_ptr<FutureState> task = weak_task.lock()) {
                task->cancel();
            }
        }
    }

    // A task of the group has ended.
    static void on_end(State& state, FutureState& task) {
        state.running.erase(&task);
        std::exception_ptr error = task.cancelled() ? nullptr : task.exception();
        if (error && !state.error) {
            state.error = error;
            cancel_all(state);
        }
        if (state.running.empty() && state.joining && !state.joining->done()) {
            state.joining->set_result();
        }
    }

    static Coroutine<void> join(std::shared_ptr<State> state) {
        bool is_cancelled = false;
        while (!state->running.empty()) {
            Future<void> all_ended = state->joining.emplace(EventLoop::running());
            try {
                co_await all_ended;
            } catch (const CancelledError&) {
                is_cancelled = true;
                cancel_all(*state);
            }
        }
        if (state->error) {
            if (is_cancelled) { // asked for again; it is still one request
                TaskBase::current()->uncancel();
                TaskBase::current()->as_future().cancel();
            }
            std::rethrow_exception(state->error);
        }
        if (is_cancelled) {
            throw CancelledError();
        }
    }

    std::shared_ptr<State> state_ = std::make_shared<State>();
};
