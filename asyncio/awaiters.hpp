// What a coroutine can wait for: `co_await future`, and NextIteration, which only lets the
// others run. (A coroutine that is awaited is no wait: see coroutine.hpp. The operations of a
// socket are in async_socket.hpp.)
//
// An awaiter lives in the frame of the coroutine for as long as the co_await lasts. It says
// whether there is anything to wait for (await_ready), makes sure that the task is resumed
// later (await_suspend), and supplies the result (await_resume).
#pragma once

#include "coroutine.hpp"
#include "future.hpp"

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

class TaskBase;

// The part of an awaiter that its task knows: how to cancel the wait.
class Suspension {
  public:
    // The task has been cancelled. Returns true if the wait will end with CancelledError, false
    // if it is over already: then the task itself has to throw.
    virtual bool cancel() = 0;
    // The Future that is waited for; null if it is something else.
    virtual const FutureState* awaited_future() const { return nullptr; }

  protected:
    ~Suspension() = default;
};

// The part of a FutureAwaiter that does not depend on the type of the result.
class FutureSuspension : public Suspension {
  protected:
    // The task resumes `coroutine` in the iteration after the Future is done. Throws
    // std::logic_error if the Future belongs to another loop, or depends on this very task.
    void wait_for(FutureState& future, CoroutinePromise& coroutine);
    // Throws CancelledError if the task was cancelled when the wait was over already.
    void throw_if_cancelled() const;

  private:
    TaskBase* task_ = nullptr; // once it waits
};

// co_await future: does not wait if it is done. The value is that of future.result(), or the
// exception is thrown here.
template <typename T>
class FutureAwaiter : public FutureSuspension {
  public:
    explicit FutureAwaiter(Future<T> future) : future_(std::move(future)) {}

    bool await_ready() const { return future_.done(); }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
        wait_for(*future_.state(), coroutine.promise());
    }
    std::add_lvalue_reference_t<T> await_resume() {
        throw_if_cancelled();
        return future_.result();
    }

    bool cancel() override { return future_.cancel(); }
    const FutureState* awaited_future() const override { return future_.state().get(); }

  private:
    Future<T> future_;
};

template <typename T>
FutureAwaiter<T> operator co_await(const Future<T>& future) {
    return FutureAwaiter<T>(future);
}

// A Future that is a temporary may be gone at the next semicolon, so its result does not come
// as a reference: it is copied, or moved where it cannot be copied.
template <typename T>
class TemporaryFutureAwaiter : public FutureAwaiter<T> {
  public:
    using FutureAwaiter<T>::FutureAwaiter;
    T await_resume() {
        if constexpr (std::is_void_v<T> || std::is_copy_constructible_v<T>) {
            return FutureAwaiter<T>::await_resume();
        } else {
            return std::move(FutureAwaiter<T>::await_resume());
        }
    }
};

template <typename T>
TemporaryFutureAwaiter<T> operator co_await(Future<T>&& future) {
    return TemporaryFutureAwaiter<T>(std::move(future));
}

// co_await NextIteration(): lets all others that are ready run before.
class NextIteration : public Suspension {
  public:
    bool await_ready() const { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
        wait(coroutine.promise());
    }
    void await_resume() const;

    bool cancel() override { return false; } // the next iteration comes anyway

  private:
    void wait(CoroutinePromise& coroutine);

    TaskBase* task_ = nullptr;
};

// Something to await that is neither a Future nor a Coroutine, such as socket.recv(n): for
// functions that take a Coroutine.
template <typename Awaiter>
concept IsAwaiter = std::derived_from<Awaiter, Suspension>;

template <IsAwaiter Awaiter>
auto as_coroutine(Awaiter awaiter) -> Coroutine<decltype(awaiter.await_resume())> {
    co_return co_await std::move(awaiter);
}
