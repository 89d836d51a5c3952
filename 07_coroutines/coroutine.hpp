// A coroutine: a function that can wait in its middle, at each co_await, while the thread does
// something else. It is lazy: a call only makes the Coroutine, and awaiting that runs it. Its
// frame knows the frame that awaits it: that is the stack of calls, without a stack.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

// What the promises of all coroutines have in common, whatever they return.
struct PromiseBase {
    std::coroutine_handle<> awaited_by; // resumes when we have ended
    std::exception_ptr exception;       // that has left us

    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
            return ended.promise().awaited_by; // runs next
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() { return {}; } // until something awaits us
    FinalAwaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() { exception = std::current_exception(); }
};

template <typename T>
struct Promise : PromiseBase {
    std::optional<T> value;
    void return_value(T returned) { value.emplace(std::move(returned)); }
    T take() { return std::move(*value); }
};
template <>
struct Promise<void> : PromiseBase {
    void return_void() {}
    void take() {}
};

// Owns the frame: with the Coroutine the local variables of the function are destroyed, and the
// coroutines that they own.
template <typename T>
class [[nodiscard("co_await it, or pass it to create_task")]] Coroutine {
  public:
    struct promise_type : Promise<T> {
        Coroutine get_return_object() { return Coroutine(Frame::from_promise(*this)); }
    };
    using Frame = std::coroutine_handle<promise_type>;

    explicit Coroutine(Frame frame) : frame_(frame) {}
    Coroutine(Coroutine && other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    ~Coroutine() {
        if (frame_) {
            frame_.destroy();
        }
    }

    // co_await coroutine: runs it, and its value is what it returns, or it throws what it
    // throws. Throws std::logic_error if it was awaited before, or moved from.
    bool await_ready() const {
        if (!frame_ || frame_.promise().awaited_by) {
            throw std::logic_error("this coroutine was awaited before");
        }
        return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const {
        frame_.promise().awaited_by = awaiting;
        return frame_; // runs next
    }
    T await_resume() const {
        if (frame_.promise().exception) {
            std::rethrow_exception(frame_.promise().exception);
        }
        return frame_.promise().take();
    }

  private:
    Frame frame_;
};
