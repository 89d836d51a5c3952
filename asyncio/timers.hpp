// The callbacks that wait for a moment in time: call_later and call_at put them here, and the
// event loop asks how long it may wait and which of them are due.
#pragma once

#include "handle.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

// A heap, ordered by time: adding costs O(log n), and the next timer is always at the front. A
// cancelled timer stays in it until it would be due, or until there are too many of them.
class Timers {
  public:
    Timers() = default;
    Timers(const Timers&) = delete; // the timers in the heap point to cancelled_
    Timers& operator=(const Timers&) = delete;

    Handle add(Clock::time_point when, Callback callback);

    // When the next timer is due; std::nullopt: there is none. Timeouts are nearly always
    // cancelled, so cancelled timers would pile up. When they are many and more than half of
    // the heap, this throws them out; one at the front it always throws out, so that the loop
    // does not wake up for it.
    std::optional<Clock::time_point> next();

    // Moves the timers that are due from the heap to `ready`.
    void take_due(ReadyQueue& ready);

    ReadyQueue take_all();

    std::size_t size() const { return heap_.size(); } // with those that are cancelled

  private:
    static bool is_later(const std::shared_ptr<Scheduled>& a,
                         const std::shared_ptr<Scheduled>& b);

    std::shared_ptr<Scheduled> take_first();
    void leave(Scheduled& timer);
    void remove_cancelled();

    ReadyQueue heap_;
    std::uint64_t last_sequence_ = 0;
    std::size_t cancelled_ = 0; // how many of those in the heap
};
