// A Task runs a coroutine on the loop, side by side with others. It is a Future itself, for the
// result of the coroutine: await it, add a callback, or cancel it.
#pragma once

#include "awaiters.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"

#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The part of a Task that does not depend on the type of its result: it runs the coroutines,
// and carries a cancellation to the place where the innermost of them waits.
class TaskBase {
  public:
    TaskBase() = default;
    TaskBase(const TaskBase&) = delete;
    TaskBase& operator=(const TaskBase&) = delete;
    virtual ~TaskBase() = default;

    // The task that runs now; null outside of any.
    static TaskBase* current() { return current_; }

    // Tasks are numbered in the order of their creation.
    std::uint64_t number() const { return number_; }
    virtual FutureState& as_future() = 0;

    // Runs the coroutines of this task until one has to wait, or the outermost has ended. One
    // coroutine never resumes another from its own stack: it says which is next, and returns
    // here. So a million awaits in a row need no more stack than one, with any compiler.
    void step();
    // The first step. A task that was cancelled before that does not start.
    void start();
    // Destroys the coroutines where they wait; the loop will not run any more.
    virtual void abandon() = 0;

    // How often the task was asked to end, by cancel() or by a Deadline whose block has not
    // ended yet; that takes its request back at the end (asyncio: cancelling, uncancel). With the
    // last request goes a CancelledError that is still on its way, as since Python 3.13.
    int cancelling() const { return cancel_requests_; }
    void add_cancel_request() { ++cancel_requests_; }
    void uncancel() {
        if (--cancel_requests_ == 0) {
            must_cancel_ = false;
        }
    }

    // For the await tree: the innermost coroutine, and what it waits for.
    const CoroutinePromise* innermost() const { return next_; }
    const Suspension* suspension() const { return suspension_; }

    // ---- for awaiters ----

    void run_next(CoroutinePromise* coroutine) noexcept { next_ = coroutine; }

    // `coroutine` runs at the next call of step(): the awaiter calls it when the wait is over.
    void wait(CoroutinePromise& coroutine, Suspension& suspension);

    // Whether an operation that need not wait may continue at once. Not always: a task that
    // sends without end to a peer that reads as fast would never let the loop run again.
    bool may_go_on() { return ++operations_ < 64; }

    // Cancels the wait, if there is one that is not over yet. Not a request to end the task.
    bool interrupt() { return suspension_ != nullptr && suspension_->cancel(); }
    // The same, and a wait that is over ends with CancelledError all the same.
    void interrupt_anyway();

    bool has_cancel_request() const { return must_cancel_; }

    // Throws CancelledError if the task was cancelled when its wait was over already.
    void throw_if_cancelled();

  protected:
    void destroy_coroutines();
    // Whether the Future that we wait for depends on the other one.
    bool waits_for(const FutureState& other, int& budget) const;
    void request_cancel();
    virtual void finish() = 0; // the outermost coroutine has ended

  private:
    static inline thread_local TaskBase* current_ = nullptr;
    static inline std::atomic<std::uint64_t> last_number_ = 0;

    CoroutinePromise* next_ = nullptr;
    Suspension* suspension_ = nullptr; // what next_ waits for; null: nothing
    bool must_cancel_ = false;
    bool is_passing_on_ = false; // a cancellation, to what we wait for
    int operations_ = 0;         // in this step, see may_go_on
    std::uint64_t number_ = ++last_number_;
    int cancel_requests_ = 0;
};

// The tasks of a loop that have not ended yet, by number; the loop keeps them alive. When it is
// closed, it reports those that still have not ended, and destroys their coroutines.
std::map<std::uint64_t, std::shared_ptr<TaskBase>>& tasks_of(EventLoop& loop);

// A TaskBase that is a Future, too: the state behind a Task.
template <typename T>
class TaskState : public TypedFutureState<T>, public TaskBase {
  public:
    TaskState(EventLoop& loop, Coroutine<T> coroutine)
        : TypedFutureState<T>(loop), coroutine_(std::move(coroutine)) {
        run_next(&coroutine_.take_over());
        this->let_only_coroutine_set(true);
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

  private:
    void finish() override {
        this->let_only_coroutine_set(false);
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

// Waits for `delay`; if that is zero or less, until all others that are ready have had their
// turn.
Coroutine<void> sleep(Delay delay);

// The same, and supplies a value afterwards.
template <typename T>
Coroutine<T> sleep(Delay delay, T value) {
    co_await sleep(delay);
    co_return value;
}
