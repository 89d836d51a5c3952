// A Task drives a generator that yields Futures: it waits for the Future, then resumes the
// generator, and so on to the end. So a handler is one function again; the callbacks are here,
// written once for all handlers.
#pragma once

#include "future.hpp"
#include "generator.hpp"

#include "common/log.hpp"

#include <coroutine>
#include <memory>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

// What such a generator yields: the Future that it waits for, whatever the type of its result.
struct AnyFuture {
    virtual void call_when_done(Callback callback) = 0;
};

// co_yield future: the value is that of future.result(), or an exception is thrown.
template <typename T>
struct FutureAwaiter : AnyFuture {
    Future<T> future;
    explicit FutureAwaiter(Future<T> the_future) : future(std::move(the_future)) {}

    bool await_ready() const { return future.done(); } // then there is nothing to wait for
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> generator) {
        generator.promise().yielded = this;
    }
    std::add_lvalue_reference_t<T> await_resume() const { return future.result(); }
    void call_when_done(Callback callback) override {
        future.add_done_callback([callback = std::move(callback)](auto&) { callback(); });
    }
};

// A generator that a Task can drive; Python's "generator-based coroutine". It calls another one
// by yielding its elements.
template <typename Return>
struct [[nodiscard("yield its elements_of, or pass it to create_task")]] Coroutine
    : Generator<AnyFuture*, void, Return> {
    using Base = Generator<AnyFuture*, void, Return>;
    using Base::Base;
    struct promise_type : Base::promise_type {
        Coroutine get_return_object() {
            this->frame = std::coroutine_handle<promise_type>::from_promise(*this);
            return Coroutine(this);
        }
        using Base::promise_type::yield_value;
        template <typename T>
        FutureAwaiter<T> yield_value(Future<T> future) {
            return FutureAwaiter<T>(std::move(future));
        }
    };
};

class Task : public std::enable_shared_from_this<Task> {
  public:
    explicit Task(Coroutine<void> coroutine) : coroutine_(std::move(coroutine)) {}

    // Runs the generator to its next wait; the Future that it waits for calls us again. An
    // exception that leaves the generator ends this Task, and nothing else.
    void step() {
        try {
            if (std::optional<AnyFuture*> future = coroutine_.next()) {
                (*future)->call_when_done([self = shared_from_this()] { self->step(); });
                return;
            }
        } catch (...) {
            log_exception("exception in a Task");
        }
        pending.erase(shared_from_this());
    }
    void close() { coroutine_.close(); }
    static inline std::set<std::shared_ptr<Task>> pending; // all that have not ended

  private:
    Coroutine<void> coroutine_;
};

// Starts to run the coroutine, to its first wait.
inline void create_task(Coroutine<void> coroutine) {
    auto task = *Task::pending.insert(std::make_shared<Task>(std::move(coroutine))).first;
    task->step();
}

// Destroys the local variables of all Tasks, where they stand. They do not run any more.
inline void destroy_pending_tasks() {
    for (const std::shared_ptr<Task>& task : std::exchange(Task::pending, {})) {
        task->close();
    }
}
