#include "executor.hpp"

ThreadPool::ThreadPool() {
    try {
        for (std::size_t i = 0; i < THREAD_COUNT; ++i) {
            threads_.emplace_back([this] { work(); });
        }
    } catch (...) { // not all of them could be started
        stop();
        throw;
    }
}

void ThreadPool::submit(std::function<void()> function) {
    {
        std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(function));
    }
    changed_.notify_one();
}

void ThreadPool::stop() {
    {
        std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void ThreadPool::work() {
    while (std::optional<std::function<void()>> function = next()) {
        (*function)();
    }
}

std::optional<std::function<void()>> ThreadPool::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
    if (is_stopping_) {
        return std::nullopt;
    }
    std::function<void()> function = std::move(waiting_.front());
    waiting_.pop_front();
    return function;
}
