// A coroutine: a function that can wait in the middle, at each co_await, while the thread does
// something else. It is lazy: calling it only makes a Coroutine object, awaiting that runs it.
//
// In stage 06 the Task kept a stack of generators. Here the stack is in the frames: each knows
// the one that awaits it. The Task only keeps the frame that runs next.
// The same file in every stage from 07 on.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

// Where in the source something stands: std::source_location, which Clang 14 does not have yet.
struct SourceLocation {
    const char* file = "";
    const char* function = "";
    int line = 0;
};

// Owns the frame of a coroutine; Coroutine<T> adds the types.
class FrameOwner {
  public:
    explicit FrameOwner(std::coroutine_handle<> frame) : frame_(frame) {}
    FrameOwner(FrameOwner&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    FrameOwner& operator=(FrameOwner&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~FrameOwner() { destroy(); }

    bool done() const { return frame_.done(); }
    // Destroys the local variables of the function, and the coroutines it awaits.
    void destroy() noexcept {
        if (frame_) {
            std::exchange(frame_, nullptr).destroy();
        }
    }

  protected:
    std::coroutine_handle<> frame_;
};

// The promise of a coroutine, kept in its frame; all but the value it returns.
class CoroutinePromise {
  public:
    std::coroutine_handle<> frame; // our own
    FrameOwner* owner = nullptr;   // of our frame, once we are awaited; null: not yet
    // Who goes on when we end; null: we are the outermost.
    CoroutinePromise* awaited_by = nullptr;
    SourceLocation awaits_at; // the last co_await; line 0: none yet

    void rethrow_exception() const {
        if (exception_) {
            std::rethrow_exception(exception_);
        }
    }

    // ---- what the compiler calls ----

    std::suspend_always initial_suspend() noexcept { return {}; }

    // At its end the coroutine hands over to the one that awaits it.
    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        void await_suspend(std::coroutine_handle<Promise> ended) const noexcept;
        void await_resume() const noexcept {}
    };
    FinalAwaiter final_suspend() noexcept { return {}; }

    void unhandled_exception() noexcept { exception_ = std::current_exception(); }

    // Called with the operand of each co_await: notes where that is, for the await tree. Three
    // arguments, because one of class type would take room in the frame for each co_await.
    template <typename Awaitable>
    Awaitable&& await_transform(Awaitable&& awaitable, const char* file = __builtin_FILE(),
                                const char* function = __builtin_FUNCTION(),
                                int line = __builtin_LINE()) {
        awaits_at = {file, function, line};
        return std::forward<Awaitable>(awaitable);
    }

  private:
    std::exception_ptr exception_;
};

// Something a coroutine waits for. Lives in the frame of the coroutine, until that goes on.
class Suspension {
  public:
    // The task has been cancelled. Returns true if whatever is waited for has taken note of it,
    // false if the wait is over anyway: then the task sees to it.
    virtual bool cancel() = 0;
    // The Future that is waited for; null if it is something else.
    virtual const FutureState* awaited_future() const { return nullptr; }

  protected:
    ~Suspension() = default;
};

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

    // Runs the coroutines of this task until one has to wait, or the outermost has ended. One
    // coroutine never resumes another from its own stack: it says who is next, and returns
    // here. So a million awaits in a row need no more stack than one, with any compiler.
    void step() {
        TaskBase* outer = std::exchange(current_, this);
        suspension_ = nullptr;
        operations_ = 0;
        while (next_ != nullptr && suspension_ == nullptr) {
            std::exchange(next_, nullptr)->frame.resume();
        }
        current_ = outer;
        if (next_ == nullptr) {
            finish();
        }
    }

    // The first step. A task that was cancelled before that does not start.
    void start() {
        if (must_cancel_) {
            next_ = nullptr;
        }
        step();
    }

    // Destroys the coroutines where they stand; the loop will not run any more.
    virtual void abandon() = 0;

    // How often the task was asked to end.
    int cancelling() const { return cancel_requests_; }

    // For the await tree: the innermost coroutine, and what it waits for.
    const CoroutinePromise* innermost() const { return next_; }
    const Suspension* suspension() const { return suspension_; }

    // ---- for awaiters ----

    // `coroutine` runs next: one that is awaited, or, when that ends, the one that awaits it.
    void run_next(CoroutinePromise* coroutine) { next_ = coroutine; }

    // `coroutine` runs when somebody calls step(), because the wait is over.
    void wait(CoroutinePromise& coroutine, Suspension& suspension) {
        next_ = &coroutine;
        suspension_ = &suspension;
        if (must_cancel_ && suspension.cancel()) {
            must_cancel_ = false;
        }
    }

    // Whether an operation that need not wait may go on at once. Not always: a task that sends
    // without end to a peer that reads as fast would hold the loop for ever.
    bool may_go_on() { return ++operations_ < 64; }

    // Cancels the wait, if there is one that is not over yet. Not a request to end the task.
    bool interrupt() { return suspension_ != nullptr && suspension_->cancel(); }
    // The same, and a wait that is over ends with CancelledError all the same.
    void interrupt_anyway() {
        if (!interrupt()) {
            must_cancel_ = true;
        }
    }

    bool has_cancel_request() const { return must_cancel_; }

    // Throws CancelledError if the task was cancelled when its wait was over already.
    void throw_if_cancelled() {
        if (std::exchange(must_cancel_, false)) {
            throw CancelledError();
        }
    }

  protected:
    // The innermost one first, because it may refer to what those that await it own; and one
    // after the other, because a frame that destroyed the next would need a stack for that.
    void destroy_coroutines() {
        CoroutinePromise* innermost = std::exchange(next_, nullptr);
        suspension_ = nullptr;
        while (innermost != nullptr) {
            CoroutinePromise* outer = innermost->awaited_by;
            innermost->owner->destroy();
            innermost = outer;
        }
    }

    // Whether the Future that we wait for depends on the other one.
    bool waits_for(const FutureState& other, int& budget) const {
        const FutureState* awaited =
            suspension_ != nullptr ? suspension_->awaited_future() : nullptr;
        return awaited != nullptr && --budget > 0 && awaited->depends_on(other, budget);
    }

    void request_cancel() {
        ++cancel_requests_;
        if (std::exchange(is_passing_on_, true)) {
            return; // tasks that wait for each other in a circle
        }
        interrupt_anyway();
        is_passing_on_ = false;
    }

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

template <typename Promise>
void CoroutinePromise::FinalAwaiter::await_suspend(
    std::coroutine_handle<Promise> ended) const noexcept {
    TaskBase::current()->run_next(ended.promise().awaited_by);
}

// co_await future: goes on at once if it is done, otherwise in the iteration after it is done.
// The value is that of future.result(), or the exception is thrown here.
template <typename T>
class FutureAwaiter : public Suspension {
  public:
    explicit FutureAwaiter(Future<T> future) : future_(std::move(future)) {}

    bool await_ready() const { return future_.done(); }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
        if (&future_.state()->loop() != &EventLoop::running()) {
            throw std::logic_error("this Future belongs to another event loop");
        }
        task_ = TaskBase::current();
        // A mistake that one is to be told of; but not at any price, so not in circles of more
        // than 100.
        int budget = 100;
        if (future_.state()->depends_on(task_->as_future(), budget)) {
            throw std::logic_error("a task cannot wait for itself");
        }
        future_.state()->add_done_callback([task = task_](FutureState&) { task->step(); });
        task_->wait(coroutine.promise(), *this);
    }
    std::add_lvalue_reference_t<T> await_resume() {
        if (task_ != nullptr) {
            task_->throw_if_cancelled();
        }
        return future_.result();
    }

    bool cancel() override { return future_.cancel(); }
    const FutureState* awaited_future() const override { return future_.state().get(); }

  private:
    Future<T> future_;
    TaskBase* task_ = nullptr; // once it waits
};

template <typename T>
FutureAwaiter<T> operator co_await(const Future<T>& future) {
    return FutureAwaiter<T>(future);
}

// A Future that is a temporary may be gone with the next semicolon, so its result is not given
// as a reference: it is copied, or moved where it cannot be copied.
template <typename T>
class TemporaryFutureAwaiter : public FutureAwaiter<T> {
  public:
    using FutureAwaiter<T>::FutureAwaiter;
    T await_resume() {
        if constexpr (std::is_void_v<T> || std::is_copy_constructible_v<T>) {
            return FutureAwaiter<T>::await_resume();
        } else {
            return std::move(FutureAwaiter<T>::await_resume());
        }
    }
};

template <typename T>
TemporaryFutureAwaiter<T> operator co_await(Future<T>&& future) {
    return TemporaryFutureAwaiter<T>(std::move(future));
}

// co_await NextIteration(): lets all others that are ready run before.
class NextIteration : public Suspension {
  public:
    bool await_ready() const { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
        task_ = TaskBase::current();
        EventLoop::running().call_soon([task = task_] { task->step(); });
        task_->wait(coroutine.promise(), *this);
    }
    void await_resume() const { task_->throw_if_cancelled(); }

    bool cancel() override { return false; } // the next iteration comes anyway

  private:
    TaskBase* task_ = nullptr;
};

// What the type of the result adds: `co_return value;`, or the end of a coroutine without one.
template <typename T>
class ReturnSlot {
  public:
    void return_value(T value) { value_.emplace(std::move(value)); }
    T take() { return std::move(*value_); }

  private:
    std::optional<T> value_;
};
template <>
class ReturnSlot<void> {
  public:
    void return_void() {}
    void take() {}
};

template <typename T>
class [[nodiscard("co_await it, or pass it to create_task")]] Coroutine;

// Owns the frame: when the Coroutine is destroyed, so are the local variables of the function,
// and the coroutines it awaits. Await it once, or pass it to create_task.
template <typename T>
class Coroutine : public FrameOwner {
  public:
    class promise_type : public CoroutinePromise, public ReturnSlot<T> {
      public:
        Coroutine get_return_object() {
            auto handle = std::coroutine_handle<promise_type>::from_promise(*this);
            this->frame = handle;
            return Coroutine(handle);
        }
    };

    struct Awaiter {
        promise_type& promise;
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        void await_suspend(std::coroutine_handle<Promise> awaiting) const {
            promise.awaited_by = &awaiting.promise();
            TaskBase::current()->run_next(&promise);
        }
        T await_resume() const {
            promise.rethrow_exception();
            return promise.take();
        }
    };
    // Throws std::logic_error if it was awaited before, or moved from.
    Awaiter operator co_await() && { return {take_over()}; }

    // ---- for a Task ----

    // The promise, once: to whoever is going to run the coroutine. Throws as co_await. The
    // Coroutine must stay where it is from then on.
    promise_type& take_over() {
        if (!frame_ || promise().owner != nullptr) {
            throw std::logic_error("this coroutine was awaited before");
        }
        promise().owner = this;
        return promise();
    }
    promise_type& promise() const {
        return std::coroutine_handle<promise_type>::from_address(frame_.address()).promise();
    }
    // What the coroutine has returned, once; or throws what it has thrown.
    T result() && {
        promise().rethrow_exception();
        return promise().take();
    }

  private:
    explicit Coroutine(std::coroutine_handle<promise_type> frame) : FrameOwner(frame) {}
};

// What can be awaited and is neither a Future nor a Coroutine, such as socket.recv(n): for
// those who take a Coroutine.
template <typename Awaiter>
concept IsAwaiter = std::derived_from<Awaiter, Suspension>;

template <IsAwaiter Awaiter>
auto as_coroutine(Awaiter awaiter) -> Coroutine<decltype(awaiter.await_resume())> {
    co_return co_await std::move(awaiter);
}
