// A queue between tasks: a task that finds it empty waits for an item, a task that finds it
// full waits for room. The same rules as asyncio.Queue. It must outlive the tasks that wait.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"

#include <cstddef>
#include <deque>
#include <stdexcept>
#include <utility>

class QueueEmpty : public std::runtime_error {
  public:
    QueueEmpty() : std::runtime_error("the queue is empty") {}
};

class QueueFull : public std::runtime_error {
  public:
    QueueFull() : std::runtime_error("the queue is full") {}
};

template <typename T>
class Queue {
  public:
    explicit Queue(std::size_t maxsize = 0) : maxsize_(maxsize) {} // 0: without limit
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    bool full() const { return maxsize_ > 0 && items_.size() >= maxsize_; }

    // Waits until there is room.
    Coroutine<void> put(T item) {
        while (full()) {
            co_await wait_in(putters_, &Queue::has_room);
        }
        put_nowait(std::move(item));
    }

    // Waits until there is an item; removes and returns it.
    Coroutine<T> get() {
        while (empty()) {
            co_await wait_in(getters_, &Queue::has_item);
        }
        co_return get_nowait();
    }

    // Throws QueueFull.
    void put_nowait(T item) {
        if (full()) {
            throw QueueFull();
        }
        items_.push_back(std::move(item));
        ++unfinished_;
        wake_next(getters_);
    }

    // Throws QueueEmpty.
    T get_nowait() {
        if (empty()) {
            throw QueueEmpty();
        }
        T item = std::move(items_.front());
        items_.pop_front();
        wake_next(putters_);
        return item;
    }

    // Says that the work on an item that was taken out is done. Never waits. Throws
    // std::invalid_argument if it is called more often than items were put in.
    void task_done() {
        if (unfinished_ == 0) {
            throw std::invalid_argument("task_done() was called too many times");
        }
        if (--unfinished_ == 0) {
            while (!joiners_.empty()) {
                wake_next(joiners_);
            }
        }
    }

    // Waits until task_done() was called for every item that was ever put in.
    Coroutine<void> join() {
        while (unfinished_ > 0) {
            co_await wait_in(joiners_, &Queue::is_finished);
        }
    }

  private:
    using Waiters = std::deque<Future<void>>;

    bool has_room() const { return !full(); }
    bool has_item() const { return !empty(); }
    bool is_finished() const { return unfinished_ == 0; }

    // Until it is our turn; `is_possible`: whether another waiter could use the turn.
    Coroutine<void> wait_in(Waiters& waiters, bool (Queue::*is_possible)() const) {
        Future<void> turn = waiters.emplace_back(EventLoop::running());
        try {
            co_await turn;
        } catch (const CancelledError&) {
            std::erase_if(waiters, [](const Future<void>& waiter) { return waiter.done(); });
            if (!turn.cancelled() && (this->*is_possible)()) {
                wake_next(waiters); // it was our turn already
            }
            throw;
        }
    }

    static void wake_next(Waiters& waiters) {
        while (!waiters.empty()) {
            Future<void> next = waiters.front();
            waiters.pop_front();
            if (!next.done()) { // not cancelled
                next.set_result();
                return;
            }
        }
    }

    std::size_t maxsize_;
    std::deque<T> items_;
    std::size_t unfinished_ = 0; // put in, and task_done() not called yet
    Waiters getters_;
    Waiters putters_;
    Waiters joiners_;
};
