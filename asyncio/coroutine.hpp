// A coroutine: a function that can wait in the middle, at each co_await, while the thread does
// something else. It is lazy: calling it only makes a Coroutine object; awaiting that, or
// passing it to create_task, runs it.
//
// In stage 06 the Task kept a stack of generators. Here the stack is in the frames: each knows
// the one that awaits it. The Task only keeps the frame that runs next.
//
// Coroutine itself is at the end; before it, the parts that do not depend on its type.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

class CoroutinePromise;

// The task that runs now continues with `coroutine`: one that is awaited, or, when that ends,
// the one that awaits it. See TaskBase::step.
void run_next(CoroutinePromise* coroutine) noexcept;

// A place in the source: std::source_location, which Clang 14 does not have yet.
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
    // Resumed when we end; null: we are the outermost.
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
        void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            run_next(ended.promise().awaited_by);
        }
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
            run_next(&promise);
        }
        T await_resume() const {
            promise.rethrow_exception();
            return promise.take();
        }
    };
    // Throws std::logic_error if it was awaited before, or moved from.
    Awaiter operator co_await() && { return {take_over()}; }

    // ---- for a Task ----

    // The promise, once: for the task that is going to run the coroutine. Throws as co_await.
    // The Coroutine must stay where it is from then on.
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
