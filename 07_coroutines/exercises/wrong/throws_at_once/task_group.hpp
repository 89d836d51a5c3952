// Wrong: throws the first error at once, and leaves the others to their clean-up
// Test: an error cancels the others, and is thrown when they have ended
// Says: the error was thrown before the other tasks had ended
#pragma once

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
    // Whoever did not call join() has left by an exception: nobody wants the tasks any more.
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
        if ((state.running.empty() || error) && state.joining && !state.joining->done()) {
            state.joining->set_result();
        }
    }

    static Coroutine<void> join(std::shared_ptr<State> state) {
        bool is_cancelled = false;
        while (!state->running.empty() && !state->error) {
            Future<void> all_ended = state->joining.emplace(EventLoop::running());
            try {
                co_await all_ended;
            } catch (const CancelledError&) {
                is_cancelled = true;
                cancel_all(*state);
            }
        }
        if (state->error) {
            std::rethrow_exception(state->error);
        }
        if (is_cancelled) {
            throw CancelledError();
        }
    }

    std::shared_ptr<State> state_ = std::make_shared<State>();
};
