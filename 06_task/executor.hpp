// Runs a blocking function in a thread, and gives its result back through a Future. This is the
// way out for whatever cannot be done without blocking: a name look-up, a file, a computation.
// It shows that a Future need not be about sockets.
// The same file in every stage from 05 on.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

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
#include <vector>

// A few threads that run functions in the order of submit.
class ThreadPool {
  public:
    ThreadPool() {
        try {
            for (std::size_t i = 0; i < THREAD_COUNT; ++i) {
                threads_.emplace_back([this] { work(); });
            }
        } catch (...) { // not all of them could be started
            stop();
            throw;
        }
    }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    // Waits for the functions that run now; those that have not started are dropped.
    ~ThreadPool() { stop(); }

    // `function` must not throw.
    void submit(std::function<void()> function) {
        {
            std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(function));
        }
        changed_.notify_one();
    }

  private:
    static constexpr std::size_t THREAD_COUNT = 4;

    void stop() {
        {
            std::lock_guard lock(mutex_);
            is_stopping_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    void work() {
        while (std::optional<std::function<void()>> function = next()) {
            (*function)();
        }
    }

    std::optional<std::function<void()>> next() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
        if (is_stopping_) {
            return std::nullopt;
        }
        std::function<void()> function = std::move(waiting_.front());
        waiting_.pop_front();
        return function;
    }

    std::mutex mutex_; // guards the next two
    std::deque<std::function<void()>> waiting_;
    bool is_stopping_ = false;
    std::condition_variable changed_;
    std::vector<std::thread> threads_;
};

// Calls `function` in another thread, one of a few that the loop keeps. The Future gets what it
// returns or throws. To cancel the Future does not stop the thread, only the result is dropped:
// so the function must own what it uses, or whoever owns that must outlive the loop.
template <typename Function>
auto run_in_executor(EventLoop& loop, Function function) {
    using Result = std::invoke_result_t<Function>;
    Future<Result> future(loop);
    loop.local<ThreadPool>().submit([&loop, future, function = std::move(function)]() mutable {
        // The Future belongs to the loop's thread: from here it only travels back there.
        Callback deliver;
        try {
            if constexpr (std::is_void_v<Result>) {
                function();
                deliver = [future = std::move(future)] {
                    if (!future.done()) {
                        future.set_result();
                    }
                };
            } else {
                auto result = std::make_shared<Result>(function());
                deliver = [future = std::move(future), result] {
                    if (!future.done()) {
                        future.set_result(std::move(*result));
                    }
                };
            }
        } catch (...) {
            deliver = [future = std::move(future), error = std::current_exception()] {
                if (!future.done()) {
                    future.set_exception(error);
                }
            };
        }
        loop.call_soon_threadsafe(std::move(deliver));
    });
    return future;
}

// The same in the loop that runs.
template <typename Function>
auto run_in_executor(Function function) {
    return run_in_executor(EventLoop::running(), std::move(function));
}
