// A Task runs a coroutine on the loop, side by side with others. It is a Future itself, for the
// result of the coroutine: await it, add a callback, or cancel it.
// The same file in every stage from 07 on.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

// The tasks of a loop that have not ended yet, by number; the loop keeps them alive. Those that
// still have not ended when it is closed are reported, and their coroutines destroyed.
struct TaskSet {
    std::map<std::uint64_t, std::shared_ptr<TaskBase>> tasks;

    ~TaskSet() {
        for (const auto& [number, task] : tasks) {
            std::string message =
                "Task-" + std::to_string(number) + " was destroyed but it is pending";
            task->as_future().loop().call_exception_handler({message, nullptr, {}});
            task->abandon();
        }
    }
};

inline std::map<std::uint64_t, std::shared_ptr<TaskBase>>& tasks_of(EventLoop& loop) {
    return loop.local<TaskSet>().tasks;
}

template <typename T>
class TaskState : public TypedFutureState<T>, public TaskBase {
  public:
    TaskState(EventLoop& loop, Coroutine<T> coroutine)
        : TypedFutureState<T>(loop), coroutine_(std::move(coroutine)) {
        run_next(&coroutine_.take_over());
    }

    bool cancel() override {
        if (this->done()) {
            return FutureState::cancel();
        }
        request_cancel();
        return true;
    }

    FutureState& as_future() override { return *this; }

    bool depends_on(const FutureState& other, int& budget) const override {
        return this == &other || waits_for(other, budget);
    }

    void abandon() override { destroy_coroutines(); }

  protected:
    void check_may_be_set() const override {
        if (!has_ended_) {
            throw std::logic_error("a Task gets its result from its coroutine only");
        }
        FutureState::check_may_be_set();
    }

  private:
    void finish() override {
        has_ended_ = true;
        try {
            coroutine_.promise().rethrow_exception();
            throw_if_cancelled(); // too late for the coroutine to see, or before its start
            if (!coroutine_.done()) {
                throw std::logic_error("a task can only await Futures, coroutines and sockets");
            }
            if constexpr (std::is_void_v<T>) {
                std::move(coroutine_).result();
                this->set_result();
            } else {
                this->set_result(std::move(coroutine_).result());
            }
        } catch (const CancelledError&) {
            FutureState::cancel();
        } catch (...) {
            this->set_exception(std::current_exception());
        }
        coroutine_.destroy();
        auto self = tasks_of(this->loop()).extract(number()); // destroyed last: it may be us
    }

    Coroutine<T> coroutine_;
    bool has_ended_ = false;
};

// A handle, as every Future.
template <typename T>
class Task : public Future<T> {
  public:
    explicit Task(std::shared_ptr<TaskState<T>> state) : Future<T>(std::move(state)) {}
};

// Starts to run the coroutine, in the next iteration of the loop. Throws std::logic_error for
// one that was awaited before, or moved from.
template <typename T>
Task<T> create_task(EventLoop& loop, Coroutine<T> coroutine) {
    auto state = std::make_shared<TaskState<T>>(loop, std::move(coroutine));
    loop.call_soon([task = state.get()] { task->start(); });
    tasks_of(loop).emplace(state->number(), state);
    return Task<T>(std::move(state));
}

// The same in the loop that runs.
template <typename T>
Task<T> create_task(Coroutine<T> coroutine) {
    return create_task(EventLoop::running(), std::move(coroutine));
}

template <IsAwaiter Awaiter>
auto create_task(EventLoop& loop, Awaiter awaiter) {
    return create_task(loop, as_coroutine(std::move(awaiter)));
}
template <IsAwaiter Awaiter>
auto create_task(Awaiter awaiter) {
    return create_task(EventLoop::running(), std::move(awaiter));
}

// Goes on after `delay`; with none, in the next iteration, after all others have
// had their turn.
inline Coroutine<void> sleep(Delay delay) {
    if (delay > Delay(0)) {
        co_await sleep(EventLoop::running(), delay);
    } else {
        co_await NextIteration();
    }
}

// The same, and gives a value afterwards.
template <typename T>
Coroutine<T> sleep(Delay delay, T value) {
    co_await sleep(delay);
    co_return value;
}
