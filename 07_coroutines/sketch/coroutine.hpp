// A coroutine as one writes it first: a frame that knows who awaits it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

struct PromiseBase {
    std::coroutine_handle<> awaited_by; // who goes on when we have ended
    std::exception_ptr exception;       // that has left us
    struct FinalAwaiter {
        bool await_ready() noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
            return ended.promise().awaited_by; // runs next
        }
        void await_resume() noexcept {}
    };
    std::suspend_always initial_suspend() { return {}; } // until somebody awaits us
    FinalAwaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() { exception = std::current_exception(); }
};

template <typename T>
struct Promise : PromiseBase {
    std::optional<T> value;
    void return_value(T returned) { value = std::move(returned); }
    T take() { return std::move(*value); }
};
template <>
struct Promise<void> : PromiseBase {
    void return_void() {}
    void take() {}
};

template <typename T>
class Coroutine {
  public:
    struct promise_type : Promise<T> {
        Coroutine get_return_object() { return Coroutine(Frame::from_promise(*this)); }
    };
    using Frame = std::coroutine_handle<promise_type>;
    explicit Coroutine(Frame frame) : frame_(frame) {}
    Coroutine(Coroutine&& other) : frame_(std::exchange(other.frame_, nullptr)) {}
    ~Coroutine() {
        if (frame_) {
            frame_.destroy();
        }
    }

    bool await_ready() const { return false; }
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
