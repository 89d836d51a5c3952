// The callbacks that the event loop keeps, and the queue of those that wait for a moment in
// time.
// The same file in every stage from 04 on.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

using Callback = std::function<void()>;
using Clock = std::chrono::steady_clock;

// How long to wait, in seconds, as in asyncio. A floating-point number, because nanoseconds in
// 64 bits end after 292 years, silently.
using Delay = std::chrono::duration<double>;

// In the unit of the clock; a hundred years stand for all that is longer.
inline Clock::duration to_clock(Delay delay) {
    constexpr Delay LONGEST = std::chrono::hours(100 * 365 * 24);
    return std::chrono::ceil<Clock::duration>(std::clamp(delay, -LONGEST, LONGEST));
}

// A callback that waits for its turn. Shared by the loop's queues and by Handles.
struct Scheduled {
    explicit Scheduled(Callback the_callback) : callback(std::move(the_callback)) {}

    Callback callback;
    bool is_cancelled = false;
    // Timers only:
    Clock::time_point when = {};
    std::uint64_t sequence = 0; // timers for the same moment run in order of insertion
    std::size_t* cancelled_timers = nullptr; // while it is in the queue: see Timers
};

using ReadyQueue = std::vector<std::shared_ptr<Scheduled>>;

// What call_soon, call_later and call_at return: the means to change one's mind. Copies stand
// for the same callback. Dropping a Handle changes nothing.
class Handle {
  public:
    explicit Handle(std::shared_ptr<Scheduled> scheduled) : scheduled_(std::move(scheduled)) {}

    // The callback will not run. Does nothing if it has run already, or was cancelled before.
    void cancel() {
        if (std::exchange(scheduled_->is_cancelled, true)) {
            return;
        }
        if (scheduled_->cancelled_timers != nullptr) {
            ++*scheduled_->cancelled_timers;
            // It may stay in the heap for long; what it has captured is released now.
            Callback dropped = std::exchange(scheduled_->callback, nullptr);
        }
    }
    bool cancelled() const { return scheduled_->is_cancelled; }

  private:
    std::shared_ptr<Scheduled> scheduled_;
};

// A heap, ordered by time: adding costs O(log n), and the next timer is always at the front. A
// cancelled timer stays in it until it would be due, or until there are too many of them.
class Timers {
  public:
    Timers() = default;
    Timers(const Timers&) = delete; // the timers in the heap point to cancelled_
    Timers& operator=(const Timers&) = delete;

    Handle add(Clock::time_point when, Callback callback) {
        auto timer = std::make_shared<Scheduled>(std::move(callback));
        timer->when = when;
        timer->sequence = ++last_sequence_;
        timer->cancelled_timers = &cancelled_;
        heap_.push_back(timer);
        std::push_heap(heap_.begin(), heap_.end(), is_later);
        return Handle(std::move(timer));
    }

    // When the next timer is due; std::nullopt: there is none. Timeouts are nearly always
    // cancelled, so they would pile up: when they are many and more than half of the heap, they
    // are thrown out here, and one at the front always is: nobody is to wake up for it.
    std::optional<Clock::time_point> next() {
        if (cancelled_ > 100 && cancelled_ > heap_.size() / 2) {
            remove_cancelled();
        }
        while (!heap_.empty() && heap_.front()->is_cancelled) {
            take_first();
        }
        return heap_.empty() ? std::nullopt : std::optional(heap_.front()->when);
    }

    // Moves the timers that are due from the heap to `ready`.
    void take_due(ReadyQueue& ready) {
        if (heap_.empty()) {
            return; // and the clock need not be read
        }
        Clock::time_point now = Clock::now();
        while (!heap_.empty() && heap_.front()->when <= now) {
            ready.push_back(take_first());
        }
    }

    ReadyQueue take_all() {
        for (const std::shared_ptr<Scheduled>& timer : heap_) {
            leave(*timer);
        }
        return std::exchange(heap_, {});
    }

    std::size_t size() const { return heap_.size(); } // with those that are cancelled

  private:
    static bool is_later(const std::shared_ptr<Scheduled>& a,
                         const std::shared_ptr<Scheduled>& b) {
        return std::pair(a->when, a->sequence) > std::pair(b->when, b->sequence);
    }

    std::shared_ptr<Scheduled> take_first() {
        std::pop_heap(heap_.begin(), heap_.end(), is_later);
        std::shared_ptr<Scheduled> first = std::move(heap_.back());
        heap_.pop_back();
        leave(*first);
        return first;
    }

    void leave(Scheduled& timer) {
        cancelled_ -= timer.is_cancelled ? 1 : 0;
        timer.cancelled_timers = nullptr;
    }

    void remove_cancelled() {
        auto cancelled = std::partition(heap_.begin(), heap_.end(),
                                        [](const auto& timer) { return !timer->is_cancelled; });
        // Destroyed when the heap is in order again: destroying a callback may add a timer.
        ReadyQueue removed(std::make_move_iterator(cancelled),
                           std::make_move_iterator(heap_.end()));
        heap_.erase(cancelled, heap_.end());
        std::make_heap(heap_.begin(), heap_.end(), is_later);
        for (const std::shared_ptr<Scheduled>& timer : removed) {
            leave(*timer);
        }
    }

    ReadyQueue heap_;
    std::uint64_t last_sequence_ = 0;
    std::size_t cancelled_ = 0; // how many of those in the heap
};
