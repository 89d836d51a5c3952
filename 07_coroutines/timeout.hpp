// wait_for: awaits something, but not for ever.
// The same file in every stage from 07 on.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

class TimeoutError : public std::runtime_error {
  public:
    TimeoutError() : std::runtime_error("timed out") {}
};

// Cancels a timer when the coroutine leaves the block, however it leaves.
class TimerGuard {
  public:
    explicit TimerGuard(Handle timer) : timer_(std::move(timer)) {}
    TimerGuard(const TimerGuard&) = delete;
    TimerGuard& operator=(const TimerGuard&) = delete;
    ~TimerGuard() { timer_.cancel(); }

  private:
    Handle timer_;
};

// Waits until the Future is done; if that takes longer than `timeout`, cancels it and throws
// TimeoutError.
template <typename T>
Coroutine<void> wait_until_done(Future<T> future,
                                std::optional<std::chrono::nanoseconds> timeout) {
    bool has_timed_out = false;
    auto cancel = [&has_timed_out, future] { has_timed_out = future.cancel(); };
    std::optional<TimerGuard> timer;
    if (timeout && *timeout > std::chrono::nanoseconds(0)) {
        timer.emplace(EventLoop::running().call_later(*timeout, cancel));
    } else if (timeout) {
        cancel();
    }
    int cancel_requests = TaskBase::current()->cancelling();
    try {
        co_await future;
        co_return;
    } catch (const CancelledError&) {
        // By us, or by somebody else, who must not get a TimeoutError instead?
        if (!has_timed_out || TaskBase::current()->cancelling() > cancel_requests) {
            throw;
        }
    }
    throw TimeoutError();
}

// Awaits `future`. If that takes longer than `timeout` it is cancelled, and when it has ended
// (its clean-up may take a while) TimeoutError is thrown. A result that is there in the same
// iteration as the timeout wins, so that nothing is lost. std::nullopt: without limit.
template <typename T>
Coroutine<T> wait_for(Future<T> future, std::optional<std::chrono::nanoseconds> timeout) {
    co_await wait_until_done(future, timeout);
    co_return future.result();
}
template <typename T>
Coroutine<T> wait_for(Task<T> task, std::optional<std::chrono::nanoseconds> timeout) {
    return wait_for(static_cast<Future<T>>(std::move(task)), timeout);
}

// The same for a coroutine, which becomes a task. Nobody else knows that, so the result is
// moved out of it.
template <typename T>
Coroutine<T> wait_for(Coroutine<T> coroutine, std::optional<std::chrono::nanoseconds> timeout) {
    Future<T> task = create_task(std::move(coroutine));
    co_await wait_until_done(task, timeout);
    if constexpr (!std::is_void_v<T>) {
        co_return std::move(task.result());
    }
}
