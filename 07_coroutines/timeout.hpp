// wait_for: awaits something, but not for ever.
// The same file in every stage from 07 on.
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

// Interrupts what the task that runs waits for when the time is up: once, from now on until the
// end of the block. A wait that is over at that moment is not interrupted, so that its result
// is not lost; then the next one is, over or not.
class Deadline {
  public:
    explicit Deadline(std::optional<Delay> timeout)
        : was_cancelled_before_(task_.has_cancel_request()) {
        if (timeout) {
            timer_ = EventLoop::running().call_later(*timeout, [this] { expire(); });
        }
    }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() {
        if (timer_) {
            timer_->cancel();
        }
    }

    // Whether a CancelledError has come from here, and not from somebody who wants the task to
    // end: who must not get a TimeoutError instead.
    bool is_the_cause() const {
        return has_expired_ && !was_cancelled_before_ && task_.cancelling() == cancel_requests_;
    }

  private:
    void expire() {
        has_expired_ = task_.interrupt();
        if (!has_expired_) {
            timer_ = EventLoop::running().call_soon([this] {
                has_expired_ = true;
                task_.interrupt_anyway();
            });
        }
    }

    TaskBase& task_ = *TaskBase::current();
    int cancel_requests_ = task_.cancelling();
    bool was_cancelled_before_;
    bool has_expired_ = false;
    std::optional<Handle> timer_;
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
