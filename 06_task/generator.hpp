// A generator as in Python: a function that stops at each co_yield, hands a value to
// its caller, and goes on from there when the caller asks for more. What the caller sends in
// becomes the value of the co_yield. So caller and generator take turns, and the generator
// keeps its local variables meanwhile: all that a handler of many clients has been missing
// since stage 03.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

// `co_yield elements_of(sub)`, Python's `yield from sub`: the caller gets whatever `sub` yields
// and sends to `sub`, until that ends; what it returned is the value of the co_yield.
template <typename Sub>
struct elements_of {
    Sub sub;
    explicit elements_of(Sub the_sub) : sub(std::move(the_sub)) {}
};

// A Future, or another generator.
template <typename Source>
concept HasResult = requires(Source source) {
    std::move(source).result();
};

// The state of a generator, kept in its coroutine frame; all but the value it returns.
template <typename Yield, typename Send>
class GeneratorPromise {
  public:
    using SentValue = std::conditional_t<std::is_void_v<Send>, std::monostate, Send>;

    explicit GeneratorPromise(std::coroutine_handle<> self) : self_(self) {}
    GeneratorPromise(const GeneratorPromise&) = delete;
    GeneratorPromise& operator=(const GeneratorPromise&) = delete;

    // Runs to the next co_yield, whose value it returns, or to the end: then std::nullopt. The
    // co_yield where the generator stands gets `sent`, or throws `thrown_in` if that
    // is not null.
    std::optional<Yield> resume(SentValue sent, std::exception_ptr thrown_in) {
        while (!self_.done()) {
            is_running_ = true;
            if (delegate_ != nullptr) {
                if (std::optional<Yield> value =
                        delegate_->resume(std::move(sent), thrown_in)) {
                    is_running_ = false;
                    return value;
                }
                delegate_ = nullptr; // it has ended; our co_yield takes its result
            } else {
                sent_ = std::move(sent);
                thrown_in_ = std::move(thrown_in);
            }
            has_started_ = true;
            self_.resume();
            is_running_ = false;
            if (delegate_ == nullptr) {
                return std::exchange(yielded_, std::nullopt);
            }
            sent = SentValue(); // a delegate starts like any generator, with nothing sent
            thrown_in = nullptr;
        }
        return std::nullopt;
    }

    bool has_started() const { return has_started_; }
    bool is_running() const { return is_running_; }
    void rethrow_exception() const {
        if (exception_) {
            std::rethrow_exception(exception_);
        }
    }

    // ---- what the compiler calls ----

    // What all suspensions have in common: they end by an exception if one was thrown in.
    struct Suspension {
        GeneratorPromise& promise;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        void await_resume() const { promise.throw_what_was_thrown_in(); }
    };

    // A generator that is cancelled before it starts does not start.
    Suspension initial_suspend() noexcept { return {*this}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { exception_ = std::current_exception(); }

    struct YieldAwaiter : Suspension {
        Send await_resume() const {
            this->promise.throw_what_was_thrown_in();
            if constexpr (!std::is_void_v<Send>) {
                return std::move(this->promise.sent_);
            }
        }
    };
    YieldAwaiter yield_value(Yield value) {
        yielded_.emplace(std::move(value));
        return {{*this}};
    }

    template <typename Sub>
    struct DelegateAwaiter : Suspension {
        Sub sub;
        auto await_resume() { return std::move(sub).result(); }
    };
    template <typename Sub>
    DelegateAwaiter<Sub> yield_value(elements_of<Sub> elements) {
        if (elements.sub.is_empty()) {
            throw std::logic_error("this generator was moved from or closed");
        }
        delegate_ = &elements.sub.promise();
        return {{*this}, std::move(elements.sub)};
    }

    // co_yield of something that has a result, once the caller has done what it takes: a Task
    // gets a Future, waits for it and resumes us. Then source.result() is the value, or throws.
    template <typename Source>
    struct ResultAwaiter : Suspension {
        Source source;
        void await_suspend(std::coroutine_handle<>) { this->promise.yielded_.emplace(source); }
        auto await_resume() { // a value: a reference would outlive `source`
            this->promise.throw_what_was_thrown_in();
            return std::move(source).result();
        }
    };
    template <typename Source>
    requires std::constructible_from<Yield, Source&> && HasResult<Source> ResultAwaiter<Source>
    yield_value(Source source) {
        return {{*this}, std::move(source)};
    }

  private:
    void throw_what_was_thrown_in() {
        if (thrown_in_) {
            std::rethrow_exception(std::exchange(thrown_in_, nullptr));
        }
    }

    std::coroutine_handle<> self_;
    GeneratorPromise* delegate_ = nullptr; // who yields in our place, during elements_of
    std::optional<Yield> yielded_;
    SentValue sent_{};
    std::exception_ptr thrown_in_;
    std::exception_ptr exception_; // has left the generator
    bool has_started_ = false;
    bool is_running_ = false;
};

// What Return adds: `co_return value;`, or the end of a generator that returns nothing.
template <typename Return>
class ReturnSlot {
  public:
    void return_value(Return value) { value_.emplace(std::move(value)); }
    Return take() { return std::move(*value_); }

  private:
    std::optional<Return> value_;
};
template <>
class ReturnSlot<void> {
  public:
    void return_void() {}
    void take() {}
};

template <typename Yield, typename Send = void, typename Return = void>
class [[nodiscard("a generator does nothing until it is asked for a value")]] Generator;

// A generator that yields `Yield`, is sent `Send`, and returns `Return` at its end. It owns its
// frame: when the Generator is destroyed, so are the local variables of the function.
template <typename Yield, typename Send, typename Return>
class Generator {
  public:
    class promise_type : public GeneratorPromise<Yield, Send>, public ReturnSlot<Return> {
      public:
        promise_type()
            : GeneratorPromise<Yield, Send>(
                  std::coroutine_handle<promise_type>::from_promise(*this)) {}
        Generator get_return_object() {
            return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
    };

    Generator(Generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Generator& operator=(Generator&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~Generator() { close(); }

    // Runs the generator to its next co_yield and returns that value; std::nullopt at its end
    // (Python's StopIteration). Throws what the generator throws; std::logic_error if it runs
    // already, because it asks itself, or if it was moved from or closed.
    std::optional<Yield> next() { return resume({}, nullptr); }

    // The same; `value` becomes the value of the co_yield where the generator stands. Before
    // the first next() it stands at none: then this throws std::logic_error.
    template <typename Value>
    std::optional<Yield> send(Value&& value) {
        check_may_resume();
        if (!promise().has_started()) {
            throw std::logic_error(
                "a value was sent to a generator that has not started: call next() first");
        }
        return resume(std::forward<Value>(value), nullptr);
    }

    // The same, but the co_yield throws `exception`.
    std::optional<Yield> throw_in(std::exception_ptr exception) {
        return resume({}, std::move(exception));
    }

    // Ends the generator where it stands: its local variables are destroyed. It is empty then,
    // and may only be destroyed or assigned to.
    void close() noexcept {
        if (frame_) {
            std::exchange(frame_, nullptr).destroy();
        }
    }

    // Whether it was moved from, or closed.
    bool is_empty() const { return !frame_; }
    bool done() const { return frame_.done(); }

    // For a loop over all it yields: `for (auto& value : generator)`. The loop runs it from
    // where it stands to the end.
    class Iterator {
      public:
        explicit Iterator(Generator& generator)
            : generator_(generator), value_(generator.next()) {}
        Yield& operator*() { return *value_; }
        Iterator& operator++() {
            value_ = generator_.next();
            return *this;
        }
        bool operator==(std::default_sentinel_t) const { return !value_; }

      private:
        Generator& generator_;
        std::optional<Yield> value_;
    };
    Iterator begin() { return Iterator(*this); }
    std::default_sentinel_t end() const { return {}; }

    // What a generator that is done has returned, once; or throws what it has thrown.
    Return result() && {
        promise().rethrow_exception();
        return promise().take();
    }

    promise_type& promise() { return frame_.promise(); }

  private:
    explicit Generator(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

    std::optional<Yield> resume(typename promise_type::SentValue sent,
                                std::exception_ptr thrown_in) {
        check_may_resume();
        if (done()) {
            return std::nullopt; // the error it may have ended with was thrown before
        }
        std::optional<Yield> value = promise().resume(std::move(sent), std::move(thrown_in));
        if (!value) {
            promise().rethrow_exception();
        }
        return value;
    }

    void check_may_resume() {
        if (is_empty()) {
            throw std::logic_error("this generator was moved from or closed");
        }
        if (promise().is_running()) {
            throw std::logic_error("a generator cannot ask itself for a value");
        }
    }

    std::coroutine_handle<promise_type> frame_;
};
