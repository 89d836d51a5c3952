// A Future is a result that is not there yet. Code that needs the result adds a callback; code
// that has it calls set_result. Neither needs to know the other, and neither has to be about
// sockets: a timer, a thread, a socket all end in a Future. Rules as in asyncio.Future.
//
// A Future object is a handle: copies refer to the same result. A loop must outlive its
// Futures.
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

// A Future was asked for a result that it does not have yet, or given a second one.
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
    virtual ~FutureState();

    EventLoop& loop() const { return loop_; }
    bool done() const { return status_ != Status::PENDING; }
    bool cancelled() const { return status_ == Status::CANCELLED; }

    // Virtual because to cancel a Task means more: it is told, and then ends on its own.
    virtual bool cancel();

    // Whether it cannot be done before `other` is: it is the same, or a Task that waits for it.
    // Looks at no more than `budget` Futures.
    virtual bool depends_on(const FutureState& other, [[maybe_unused]] int& budget) const {
        return this == &other;
    }

    void set_exception(std::exception_ptr exception);
    std::exception_ptr exception();

    // Returns a number for remove_done_callback.
    std::size_t add_done_callback(std::function<void(FutureState&)> callback);
    bool remove_done_callback(std::size_t number);

  protected:
    enum class Status { PENDING, FINISHED, CANCELLED };

    // A Task gets its result from its own coroutine only, when that has ended.
    void let_only_coroutine_set(bool only) { only_coroutine_sets_ = only; }

    void check_may_be_set() const;

    void finish(Status status);

  private:
    struct DoneCallback {
        std::size_t number;
        std::function<void(FutureState&)> function;
    };

    void schedule(std::function<void(FutureState&)> callback);

    EventLoop& loop_;
    Status status_ = Status::PENDING;
    bool only_coroutine_sets_ = false;
    bool is_retrieved_ = false; // the exception was looked at, or the Future cancelled
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
class [[nodiscard("a result that is not waited for is lost, and so is an error")]] Future;

template <typename T>
class Future {
  public:
    // A Future that is pending. Its callbacks will run in `loop`.
    explicit Future(EventLoop& loop) : state_(std::make_shared<TypedFutureState<T>>(loop)) {}
    // With a state that does more: that of a Task, or of gather.
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

    // Returns false if it was done already. Nothing is interrupted: code that works on the
    // result has to look at done().
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
Future<void> sleep(EventLoop& loop, Delay delay);

// Runs the loop until the Future is done; returns its value or throws its exception. Throws
// std::runtime_error if the loop is stopped before that, std::logic_error if the Future belongs
// to another loop.
template <typename T>
T run_until_complete(EventLoop& loop, Future<T> future) {
    if (&future.state()->loop() != &loop) {
        throw std::logic_error("this Future belongs to another event loop");
    }
    auto is_waiting = std::make_shared<bool>(true);
    std::size_t number = future.add_done_callback([&loop, is_waiting](Future<T>) {
        if (*is_waiting) {
            loop.stop();
        }
    });
    struct AtExit {
        const Future<T>& future;
        std::size_t number;
        bool& is_waiting;
        ~AtExit() {
            future.remove_done_callback(number);
            is_waiting = false; // if it is on its way already
        }
    } at_exit{future, number, *is_waiting}; // even when run_forever throws
    loop.run_forever();
    if (!future.done()) {
        throw std::runtime_error("the event loop was stopped before the Future was done");
    }
    return future.result();
}
