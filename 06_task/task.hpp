// A Task drives a generator that yields Futures: it waits for the Future, then resumes the
// generator, and so on to the end. It sends no result in: the generator's co_yield, resumed,
// asks the Future that it has yielded. So the handler is one function again, and the callbacks
// are here, written once for all handlers. A Task is a Future itself, for the result of the
// generator.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"
#include "generator.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

struct Awaitable;

// A generator that a Task can drive; Python's "generator-based coroutine".
template <typename Return>
using Coroutine = Generator<Awaitable, void, Return>;

// What such a generator yields: a Future, to be resumed when that is done, or another
// generator, to be resumed when that has ended.
struct Awaitable {
    std::shared_ptr<FutureState> future;
    GeneratorPromise<Awaitable, void>* generator = nullptr;

    Awaitable() = default;
    template <typename T>
    explicit Awaitable(const Future<T>& the_future) : future(the_future.state()) {}
    // Throws std::logic_error for one that was awaited before, or moved from.
    template <typename T>
    explicit Awaitable(Coroutine<T>& the_generator)
        : generator(&promise_of_new(the_generator)) {}
};

// That of a generator which nobody has run yet, or taken over.
template <typename T>
auto& promise_of_new(Coroutine<T>& generator) {
    if (generator.is_empty() || generator.promise().has_started()) {
        throw std::logic_error("this generator was awaited before");
    }
    return generator.promise();
}

// The part of a Task that does not depend on the type of its result.
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
    // How often the task was asked to end.
    int cancelling() const { return cancel_requests_; }

    // Runs the generators until one of them has to wait, or the last one has ended. The
    // generator that runs is on top of the stack; below it stand those that wait for it.
    void step() {
        TaskBase* outer = std::exchange(current_, this);
        waiting_for_ = nullptr;
        done_at_once_ = 0;
        std::exception_ptr thrown_in;
        if (take_cancel_request()) {
            thrown_in = std::make_exception_ptr(CancelledError());
        }
        bool has_to_wait = false;
        while (!stack_.empty() && !has_to_wait) {
            std::optional<Awaitable> awaitable =
                stack_.back()->resume({}, std::exchange(thrown_in, nullptr));
            if (!awaitable) {
                stack_.pop_back(); // has ended: the one below takes its result, or error
            } else if (awaitable->generator != nullptr) {
                stack_.push_back(awaitable->generator);
            } else {
                try {
                    has_to_wait = wait_for(std::move(awaitable->future));
                } catch (const std::logic_error&) {
                    thrown_in = std::current_exception();
                }
            }
        }
        current_ = outer;
        if (stack_.empty()) {
            finish();
        }
    }

    // Destroys the generators where they stand; the loop will not run any more. The outermost
    // one destroys the next, and so on, which needs stack: tens of thousands of generators in
    // one another are too many. (Stage 07 destroys the innermost first, one after the other.)
    virtual void abandon() = 0;

  protected:
    using Promise = GeneratorPromise<Awaitable, void>;

    void start(Promise& outermost) { stack_.push_back(&outermost); }
    void forget_generators() {
        stack_.clear();
        waiting_for_ = nullptr; // tasks that wait for each other in a circle own each other
    }

    // The innermost generator sees the cancellation first: as the result of the Future it waits
    // for, or at its next step.
    void request_cancel() {
        ++cancel_requests_;
        if (std::exchange(is_passing_on_, true)) {
            return; // tasks that wait for each other in a circle
        }
        if (waiting_for_ == nullptr || !waiting_for_->cancel()) {
            must_cancel_ = true;
        }
        is_passing_on_ = false;
    }

    // Whether the Future that we wait for depends on the other one.
    bool waits_for(const FutureState& other, int& budget) const {
        return waiting_for_ != nullptr && --budget > 0 &&
               waiting_for_->depends_on(other, budget);
    }

    // Whether cancel() has come at a moment when no Future could be told.
    bool take_cancel_request() { return std::exchange(must_cancel_, false); }

    virtual void finish() = 0; // the outermost generator has ended

  private:
    // Returns false if the Future is done already: then there is nothing to wait for. But not
    // always: a task that sends without end to a peer that reads as fast would hold the loop
    // for ever. Throws std::logic_error where waiting would never end.
    bool wait_for(std::shared_ptr<FutureState> future) {
        if (future == nullptr) { // for the next iteration
            EventLoop::running().call_soon([this] { step(); });
            return true;
        }
        if (&future->loop() != &EventLoop::running()) {
            throw std::logic_error("this Future belongs to another event loop");
        }
        if (future->done() && ++done_at_once_ < 64) {
            return false;
        }
        // A mistake that one is to be told of; but not at any price, so not in circles of more
        // than 100.
        int budget = 100;
        if (future->depends_on(as_future(), budget)) {
            throw std::logic_error("a task cannot wait for itself");
        }
        waiting_for_ = std::move(future);
        waiting_for_->add_done_callback([this](FutureState&) { step(); });
        if (must_cancel_ && waiting_for_->cancel()) {
            must_cancel_ = false;
        }
        return true;
    }

    static inline thread_local TaskBase* current_ = nullptr;
    static inline std::atomic<std::uint64_t> last_number_ = 0;

    std::vector<Promise*> stack_;
    std::shared_ptr<FutureState> waiting_for_;
    bool must_cancel_ = false;
    bool is_passing_on_ = false; // a cancellation, to what we wait for
    int done_at_once_ = 0;       // how many Futures in this step
    int cancel_requests_ = 0;
    std::uint64_t number_ = ++last_number_;
};

// The tasks of a loop that have not ended yet, by number; the loop keeps them alive. Those that
// still have not ended when it is closed are reported, and their generators destroyed.
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
        start(promise_of_new(coroutine_));
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

    void abandon() override {
        forget_generators();
        coroutine_.close();
    }

  protected:
    void check_may_be_set() const override {
        if (!has_ended_) {
            throw std::logic_error("a Task gets its result from its generator only");
        }
        FutureState::check_may_be_set();
    }

  private:
    void finish() override {
        has_ended_ = true;
        try {
            coroutine_.promise().rethrow_exception();
            if (take_cancel_request()) {
                throw CancelledError(); // too late for the generator to see
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
        coroutine_.close();
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
    loop.call_soon([task = state.get()] { task->step(); });
    tasks_of(loop).emplace(state->number(), state);
    return Task<T>(std::move(state));
}

// The same in the loop that runs.
template <typename T>
Task<T> create_task(Coroutine<T> coroutine) {
    return create_task(EventLoop::running(), std::move(coroutine));
}

// Goes on after `delay`; with none, in the next iteration, after all others have
// had their turn.
inline Coroutine<void> sleep(Delay delay) {
    if (delay > Delay(0)) {
        co_yield sleep(EventLoop::running(), delay);
    } else {
        co_yield Awaitable();
    }
}
