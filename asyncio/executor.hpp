// Runs a blocking function in a thread of a pool, and delivers its result through a Future.
// This is the way out for everything that cannot be done without blocking: a name look-up, a
// file, a computation. It shows that a Future need not be about sockets.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// A few threads that run functions in the order of submit.
class ThreadPool {
  public:
    ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    // Waits for the functions that run now; those that have not started are dropped.
    ~ThreadPool() { stop(); }

    // `function` must not throw.
    void submit(std::function<void()> function);

  private:
    static constexpr std::size_t THREAD_COUNT = 4;

    void stop();
    void work();
    std::optional<std::function<void()>> next();

    std::mutex mutex_; // guards the next two
    std::deque<std::function<void()>> waiting_;
    bool is_stopping_ = false;
    std::condition_variable changed_;
    std::vector<std::thread> threads_;
};

// A function on its way to a thread and back, with what it returns or throws. It is made and
// destroyed in the loop's thread, so that what it owns may belong to the loop: a
// socket, a Future.
template <typename Function>
struct ExecutorCall {
    using Result = std::invoke_result_t<Function>;

    Function function;
    Future<Result> future;
    std::atomic<bool> is_cancelled = false;
    std::optional<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>> result =
        {};
    std::exception_ptr error = nullptr;

    void run() { // in the thread
        if (is_cancelled) {
            return;
        }
        try {
            if constexpr (std::is_void_v<Result>) {
                function();
                result.emplace();
            } else {
                result.emplace(function());
            }
        } catch (...) {
            error = std::current_exception();
        }
    }

    void deliver() {
        if (future.done()) {
            return; // cancelled: the result is dropped
        }
        if (error) {
            future.set_exception(error);
        } else if constexpr (std::is_void_v<Result>) {
            future.set_result();
        } else {
            future.set_result(std::move(*result));
        }
    }
};

// Calls `function` in another thread, one of a few that the loop keeps. The Future gets what it
// returns or throws. Cancelling the Future drops the result; the function does not start any
// more if it still waits for a thread, but one that runs is not stopped. So it must own what it
// uses, or use only what outlives the loop. What it owns is destroyed in the loop's thread.
//
// The thread pool belongs to the loop, hence local<ThreadPool>(): the first call starts the
// threads, and closing the loop ends them, so that no thread delivers to a loop that is gone.
template <typename Function>
auto run_in_executor(EventLoop& loop, Function function) {
    using Call = ExecutorCall<Function>;
    Future<typename Call::Result> future(loop);
    auto call = std::shared_ptr<Call>(new Call{std::move(function), future});
    future.add_done_callback([weak = std::weak_ptr<Call>(call)](const auto& done) {
        if (std::shared_ptr<Call> waiting = weak.lock(); waiting && done.cancelled()) {
            waiting->is_cancelled = true;
        }
    });
    loop.local<ThreadPool>().submit([&loop, call]() mutable {
        call->run();
        // Moved, so that the thread keeps nothing of it.
        loop.call_soon_threadsafe([call = std::move(call)] { call->deliver(); });
    });
    return future;
}

// The same in the loop that runs.
template <typename Function>
auto run_in_executor(Function function) {
    return run_in_executor(EventLoop::running(), std::move(function));
}
