// A Future stands for a result that is not there yet. Whoever waits adds a callback; whoever
// has the result calls set_result. Neither needs to know the other, and neither has to be about
// sockets: a timer, a thread, a socket all end in a Future. Rules as in asyncio.Future.
//
// A Future object is a handle: copies stand for the same result. A loop must outlive its
// Futures.
// The same file in every stage from 05 on.
#pragma once

#include "event_loop.hpp"

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// What cancelled code gets to see. Not a std::exception, so that `catch (const
// std::exception&)`, which is about errors, does not swallow a cancellation (as in Python
// since 3.8).
class CancelledError {};

// A Future was asked for what it does not have yet, or given a result a second time.
class InvalidStateError : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

// The part of a Future that does not depend on the type of its result.
class FutureState : public std::enable_shared_from_this<FutureState> {
  public:
    explicit FutureState(EventLoop& loop) : loop_(loop) {}
    FutureState(const FutureState&) = delete;
    FutureState& operator=(const FutureState&) = delete;
    virtual ~FutureState() {
        if (exception_ && !is_retrieved_) {
            loop_.call_exception_handler(
                {"exception of a Future was never retrieved", exception_, {}});
        }
    }

    EventLoop& loop() const { return loop_; }
    bool done() const { return status_ != Status::PENDING; }
    bool cancelled() const { return status_ == Status::CANCELLED; }

    // Virtual because to cancel a Task means more: it is told, and then ends on its own.
    virtual bool cancel() {
        if (done()) {
            is_retrieved_ = true; // whoever cancels does not care about the result
            return false;
        }
        finish(Status::CANCELLED);
        return true;
    }

    // Whether it cannot be done before `other` is: it is the same, or a Task that waits for it.
    // Looks at no more than `budget` Futures.
    virtual bool depends_on(const FutureState& other, [[maybe_unused]] int& budget) const {
        return this == &other;
    }

    void set_exception(std::exception_ptr exception) {
        check_may_be_set();
        exception_ = std::move(exception);
        finish(Status::FINISHED);
    }

    std::exception_ptr exception() {
        if (!done()) {
            throw InvalidStateError("the result of this Future is not there yet");
        }
        if (cancelled()) {
            throw CancelledError();
        }
        is_retrieved_ = true;
        return exception_;
    }

    // Returns a number for remove_done_callback.
    std::size_t add_done_callback(std::function<void(FutureState&)> callback) {
        if (done()) {
            schedule(std::move(callback));
        } else if (last_callback_++ == 0) {
            first_callback_ = std::move(callback);
        } else {
            callbacks_.push_back({last_callback_, std::move(callback)});
        }
        return last_callback_;
    }
    bool remove_done_callback(std::size_t number) {
        if (number == 1) {
            return std::exchange(first_callback_, nullptr) != nullptr;
        }
        return std::erase_if(callbacks_, [number](const DoneCallback& callback) {
                   return callback.number == number;
               }) > 0;
    }

  protected:
    enum class Status { PENDING, FINISHED, CANCELLED };

    // Virtual because a Task gets its result from nobody but its own code.
    virtual void check_may_be_set() const {
        if (done()) {
            throw InvalidStateError("this Future has its result already");
        }
    }

    void finish(Status status) {
        status_ = status;
        if (first_callback_) {
            schedule(std::exchange(first_callback_, nullptr));
        }
        for (DoneCallback& callback : std::exchange(callbacks_, {})) {
            schedule(std::move(callback.function));
        }
    }

  private:
    struct DoneCallback {
        std::size_t number;
        std::function<void(FutureState&)> function;
    };

    // Never called from here, in the middle of set_result: whoever sets a result need not
    // expect that other code runs before set_result returns.
    void schedule(std::function<void(FutureState&)> callback) {
        loop_.call_soon(
            [self = shared_from_this(), callback = std::move(callback)] { callback(*self); });
    }

    EventLoop& loop_;
    Status status_ = Status::PENDING;
    bool is_retrieved_ = false; // somebody has seen the exception
    std::exception_ptr exception_;
    std::size_t last_callback_ = 0;
    std::function<void(FutureState&)> first_callback_; // nearly always there is no other
    std::vector<DoneCallback> callbacks_;              // after the first
};

// With the result itself. Future<void> has one, too: that it is done.
template <typename T>
class TypedFutureState : public FutureState {
  public:
    using FutureState::FutureState;
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

    template <typename... V>
    void set_result(V&&... value) {
        check_may_be_set();
        value_.emplace(std::forward<V>(value)...);
        finish(Status::FINISHED);
    }

    std::add_lvalue_reference_t<T> result() {
        if (std::exception_ptr error = exception()) {
            std::rethrow_exception(error);
        }
        if constexpr (!std::is_void_v<T>) {
            return *value_;
        }
    }

  private:
    std::optional<Value> value_;
};

template <typename T>
class [[nodiscard("a result that nobody waits for is lost, and so is an error")]] Future;

template <typename T>
class Future {
  public:
    // A Future that is pending. Its callbacks will run in `loop`.
    explicit Future(EventLoop& loop) : state_(std::make_shared<TypedFutureState<T>>(loop)) {}
    // For those whose state does more: a Task, or what gather returns.
    explicit Future(std::shared_ptr<TypedFutureState<T>> state) : state_(std::move(state)) {}

    bool done() const { return state_->done(); }
    bool cancelled() const { return state_->cancelled(); }

    // The value, which stays in the Future, or throws the exception that was set. Throws
    // CancelledError if it was cancelled, InvalidStateError while it is pending.
    std::add_lvalue_reference_t<T> result() const { return state_->result(); }
    // The exception that was set, null if there is none. Throws as result() otherwise.
    std::exception_ptr exception() const { return state_->exception(); }

    // Each throws InvalidStateError if the Future is done, std::logic_error if it is a Task:
    // that gets its result from its own code.
    template <typename... V>
    void set_result(V&&... value) const {
        state_->set_result(std::forward<V>(value)...);
    }
    void set_exception(std::exception_ptr exception) const {
        state_->set_exception(std::move(exception));
    }

    // Returns false if it was done already. Nothing is interrupted: whoever works on the result
    // has to look at done().
    bool cancel() const { return state_->cancel(); }

    // Calls `callback(future)` with this Future from the event loop, in the iteration after it
    // was done: never inside set_result, and even if it was done before. Returns a
    // number for remove_done_callback.
    template <typename DoneCallback>
    std::size_t add_done_callback(DoneCallback callback) const {
        return state_->add_done_callback(
            [callback = std::move(callback)](FutureState& state) mutable {
                callback(Future(
                    std::static_pointer_cast<TypedFutureState<T>>(state.shared_from_this())));
            });
    }
    // The callback will not be called. Returns whether there was one with this number: not if
    // the Future is done, because then it is called, or has been.
    bool remove_done_callback(std::size_t number) const {
        return state_->remove_done_callback(number);
    }

    const std::shared_ptr<TypedFutureState<T>>& state() const { return state_; }

  private:
    std::shared_ptr<TypedFutureState<T>> state_;
};

// Done after `delay`. Cancelling the Future cancels the timer.
inline Future<void> sleep(EventLoop& loop, Delay delay) {
    Future<void> woken(loop);
    Handle timer = loop.call_later(delay, [woken] {
        if (!woken.done()) {
            woken.set_result();
        }
    });
    woken.add_done_callback([timer](Future<void>) mutable { timer.cancel(); });
    return woken;
}

// Runs the loop until the Future is done; returns its value or throws its exception. Throws
// std::runtime_error if somebody else has stopped the loop before, std::logic_error if the
// Future belongs to another loop.
template <typename T>
T run_until_complete(EventLoop& loop, Future<T> future) {
    if (&future.state()->loop() != &loop) {
        throw std::logic_error("this Future belongs to another event loop");
    }
    auto is_waiting = std::make_shared<bool>(true);
    future.add_done_callback([&loop, is_waiting](Future<T>) {
        if (*is_waiting) {
            loop.stop();
        }
    });
    struct AtExit {
        bool& is_waiting;
        ~AtExit() { is_waiting = false; }
    } at_exit{*is_waiting}; // even when run_forever throws
    loop.run_forever();
    if (!future.done()) {
        throw std::runtime_error("the event loop was stopped before the Future was done");
    }
    return future.result();
}
