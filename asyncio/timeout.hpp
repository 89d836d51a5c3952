// wait_for: awaits something, but no longer than a given time.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

class TimeoutError : public std::runtime_error {
  public:
    TimeoutError() : std::runtime_error("timed out") {}
};

// Limits the time of a block: from its construction to its end it may interrupt, once, what the
// running task waits for. Time-out and cancellation race with the end of the wait, because a
// task whose wait is over still has to get its turn in the loop:
//
//                      the task still waits          its wait is over, it has not run yet
//    the time is up    the wait is interrupted:      the result wins, so nothing is lost; if
//                      TimeoutError                  the block then waits again, that wait is
//                                                    interrupted, even if it is over at once
//    task.cancel()     the wait is interrupted:      CancelledError at its co_await, as without
//                      CancelledError                a Deadline
//
// If both happen, in either order, the task ends with CancelledError: it was asked to end, and
// must not be told that only a wait took too long. The same if the time of an enclosing Deadline
// is up as well: CancelledError leaves this block, and becomes the other one's TimeoutError.
class Deadline {
  public:
    explicit Deadline(std::optional<Delay> timeout);
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline();

    // Whether a CancelledError that leaves the block is this Deadline's work alone.
    bool is_the_cause() const;

  private:
    enum class State {
        RUNNING,     // the time is not up
        ONE_TURN,    // it is, but a result was there: the task has its turn first
        INTERRUPTED, // a wait has been interrupted, or the next one will be
    };

    void expire();
    void interrupt_next_wait();
    void set_interrupted();

    TaskBase& task_ = *TaskBase::current();
    // Requests to cancel the task when the block began; the first may still be on its way.
    int cancel_requests_ = task_.cancelling();
    bool was_cancelled_before_ = task_.has_cancel_request();
    State state_ = State::RUNNING;
    std::optional<Handle> timer_; // calls expire, then interrupt_next_wait
};

template <typename T, typename Awaitable>
Coroutine<T> await_in_time(Awaitable awaitable, std::optional<Delay> timeout) {
    Deadline deadline(timeout);
    try {
        co_return co_await std::move(awaitable);
    } catch (const CancelledError&) {
        if (!deadline.is_the_cause()) {
            throw;
        }
    }
    throw TimeoutError();
}

// Awaits a Future or a Task. If it is not done in time it is cancelled, and when it has ended
// (its clean-up may take a while) TimeoutError is thrown. A result that is there in the same
// iteration as the timeout wins, so that nothing is lost. std::nullopt: without limit.
template <typename T>
Coroutine<T> wait_for(Future<T> future, std::optional<Delay> timeout) {
    return await_in_time<T>(std::move(future), timeout);
}

// The same for a coroutine. It runs in the task that calls, so that nothing is lost when that
// is cancelled, either. With no time at all it does not start.
template <typename T>
Coroutine<T> wait_for(Coroutine<T> coroutine, std::optional<Delay> timeout) {
    if (timeout && *timeout <= Delay(0)) {
        TaskBase::current()->throw_if_cancelled();
        throw TimeoutError();
    }
    co_return co_await await_in_time<T>(std::move(coroutine), timeout);
}
template <IsAwaiter Awaiter>
auto wait_for(Awaiter awaiter, std::optional<Delay> timeout) {
    return wait_for(as_coroutine(std::move(awaiter)), timeout);
}
