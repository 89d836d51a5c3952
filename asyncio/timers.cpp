#include "timers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

Handle Timers::add(Clock::time_point when, Callback callback) {
    auto timer =
        std::make_shared<Scheduled>(std::move(callback), Origin{Origin::Kind::TIMER, 0});
    timer->when = when;
    timer->sequence = ++last_sequence_;
    timer->cancelled_timers = &cancelled_;
    heap_.push_back(timer);
    std::push_heap(heap_.begin(), heap_.end(), is_later);
    return Handle(std::move(timer));
}

std::optional<Clock::time_point> Timers::next() {
    if (cancelled_ > 100 && cancelled_ > heap_.size() / 2) {
        remove_cancelled();
    }
    while (!heap_.empty() && heap_.front()->is_cancelled) {
        take_first();
    }
    return heap_.empty() ? std::nullopt : std::optional(heap_.front()->when);
}

void Timers::take_due(ReadyQueue& ready) {
    if (heap_.empty()) {
        return; // and the clock need not be read
    }
    Clock::time_point now = Clock::now();
    while (!heap_.empty() && heap_.front()->when <= now) {
        ready.push_back(take_first());
    }
}

ReadyQueue Timers::take_all() {
    for (const std::shared_ptr<Scheduled>& timer : heap_) {
        leave(*timer);
    }
    return std::exchange(heap_, {});
}

bool Timers::is_later(const std::shared_ptr<Scheduled>& a,
                      const std::shared_ptr<Scheduled>& b) {
    return std::pair(a->when, a->sequence) > std::pair(b->when, b->sequence);
}

std::shared_ptr<Scheduled> Timers::take_first() {
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    std::shared_ptr<Scheduled> first = std::move(heap_.back());
    heap_.pop_back();
    leave(*first);
    return first;
}

void Timers::leave(Scheduled& timer) {
    cancelled_ -= timer.is_cancelled ? 1 : 0;
    timer.cancelled_timers = nullptr;
}

void Timers::remove_cancelled() {
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
