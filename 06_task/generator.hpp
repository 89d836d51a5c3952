// A generator as in Python: a function that stops at each co_yield, hands a value to its caller,
// and resumes there when the caller asks for more. Between two calls it keeps its local
// variables: that is what a handler of many clients has been missing since stage 03.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

// `co_yield elements_of(sub)`, Python's `yield from sub`: until `sub` ends, the caller gets what
// it yields and sends to it. What `sub` returned is the value of the co_yield.
template <typename Sub>
struct elements_of : std::suspend_always {
    Sub sub;
    explicit elements_of(Sub the_sub) : sub(std::move(the_sub)) {}
    auto await_resume() { return std::move(sub).result(); }
};

// The state of a generator, kept in its coroutine frame; all but what it returns.
template <typename Yield, typename Send>
struct GeneratorPromise {
    using Sent = std::conditional_t<std::is_void_v<Send>, std::monostate, Send>;

    std::coroutine_handle<> frame;        // our own
    GeneratorPromise* delegate = nullptr; // yields in our place, during elements_of
    std::optional<Yield> yielded;
    Sent sent{};
    std::exception_ptr thrown_in; // by the caller
    std::exception_ptr exception; // that has left the generator
    bool has_started = false;
    bool is_running = false;

    // Runs to the next co_yield, whose value it returns, or to the end: then std::nullopt.
    std::optional<Yield> resume(Sent value, std::exception_ptr error) {
        while (!frame.done()) {
            if (delegate == nullptr) {
                sent = std::move(value);
                thrown_in = error;
            } else if (auto element = delegate->resume(std::move(value), error)) {
                return element;
            } else {
                delegate = nullptr; // it has ended: our co_yield takes its result
            }
            frame.resume();
            if (delegate == nullptr) {
                return std::exchange(yielded, std::nullopt);
            }
            value = {}; // a delegate starts like any generator, with nothing sent
            error = nullptr;
        }
        return std::nullopt;
    }

    // What the compiler calls. Every suspension ends with what the caller has sent, or thrown.
    struct Suspension {
        GeneratorPromise& promise;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        Send await_resume() const {
            if (promise.thrown_in) {
                std::rethrow_exception(std::exchange(promise.thrown_in, nullptr));
            }
            return static_cast<Send>(std::move(promise.sent));
        }
    };
    struct Start : Suspension { // until the first next()
        void await_resume() const { Suspension::await_resume(); }
    };
    Start initial_suspend() noexcept { return {{*this}}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { exception = std::current_exception(); }
    Suspension yield_value(Yield value) {
        yielded.emplace(std::move(value));
        return {*this};
    }
    template <typename Sub>
    elements_of<Sub> yield_value(elements_of<Sub> elements) {
        delegate = &elements.sub.promise();
        return elements;
    }
};

// What `co_return value;` adds, or the end of a generator that returns nothing.
template <typename Return>
struct ReturnSlot {
    std::optional<Return> returned;
    void return_value(Return value) { returned.emplace(std::move(value)); }
    Return take() { return std::move(returned).value(); }
};
template <>
struct ReturnSlot<void> {
    void return_void() {}
    void take() {}
};

// Yields `Yield`, is sent `Send`, returns `Return`. It owns the frame, and so the local variables
// of the function. If it is running, closed or moved from, its functions throw std::logic_error.
template <typename Yield, typename Send = void, typename Return = void>
class [[nodiscard]] Generator {
  public:
    struct promise_type : GeneratorPromise<Yield, Send>, ReturnSlot<Return> {
        Generator get_return_object() {
            this->frame = std::coroutine_handle<promise_type>::from_promise(*this);
            return Generator(this);
        }
    };
    using Sent = typename promise_type::Sent;
    explicit Generator(promise_type* promise) : promise_(promise) {}

    // These run it to its next co_yield and return that value; std::nullopt at the end (Python's
    // StopIteration). They throw what the generator throws.
    std::optional<Yield> next() { return resume({}, nullptr); }
    std::optional<Yield> send(Sent value) { // to the co_yield where it stands
        if (!promise().has_started) {
            throw std::logic_error("a new generator cannot be sent a value: call next() first");
        }
        return resume(std::move(value), nullptr);
    }
    std::optional<Yield> throw_in(std::exception_ptr error) { return resume({}, error); }

    bool done() const { return promise().frame.done(); }
    Return result() && { // what it has returned, or throws what it has thrown
        if (promise().exception) {
            std::rethrow_exception(promise().exception);
        }
        return promise().take();
    }
    void close() { // its local variables are destroyed
        if (promise_ && promise_->is_running) {
            throw std::logic_error("a generator cannot close itself");
        }
        promise_.reset();
    }

    promise_type& promise() const {
        if (!promise_) {
            throw std::logic_error("this generator was closed or moved from");
        }
        return *promise_;
    }

  private:
    std::optional<Yield> resume(Sent value, std::exception_ptr error) {
        if (std::exchange(promise().is_running, true)) {
            throw std::logic_error("a generator cannot ask itself for a value");
        }
        promise_->has_started = true;
        std::optional<Yield> element = promise_->resume(std::move(value), error);
        promise_->is_running = false;
        if (promise_->exception) {
            std::rethrow_exception(std::exchange(promise_->exception, nullptr));
        }
        return element;
    }

    struct DestroyFrame {
        void operator()(promise_type* promise) const { promise->frame.destroy(); }
    };
    std::unique_ptr<promise_type, DestroyFrame> promise_;
};
