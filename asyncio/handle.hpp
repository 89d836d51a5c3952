// A callback on its way through the event loop, and the Handle with which you cancel it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using Callback = std::function<void()>;
using Clock = std::chrono::steady_clock;

// How long to wait, in seconds, as in asyncio. A floating-point number, because nanoseconds in
// 64 bits end after 292 years, silently.
using Delay = std::chrono::duration<double>;

// In the unit of the clock; a longer delay counts as a hundred years. Throws
// std::invalid_argument for one that is not a number.
Clock::duration to_clock(Delay delay);

// What a callback waits for: with this the debug mode of the loop names a slow callback.
struct Origin {
    enum class Kind { CALL_SOON, TIMER, READER, WRITER, SIGNAL };

    Kind kind = Kind::CALL_SOON;
    int number = 0; // of the descriptor or the signal
};

// "the reader of descriptor 7", for example.
std::string to_text(Origin origin);

// A callback that waits for its turn. Shared by the loop's queues and by Handles.
struct Scheduled {
    explicit Scheduled(Callback the_callback, Origin the_origin = {})
        : callback(std::move(the_callback)), origin(the_origin) {}

    Callback callback;
    Origin origin;
    bool is_cancelled = false;
    // Timers only:
    Clock::time_point when = {};
    std::uint64_t sequence = 0; // timers for the same moment run in order of insertion
    std::size_t* cancelled_timers = nullptr; // while it is in the queue: see Timers
};

using ReadyQueue = std::vector<std::shared_ptr<Scheduled>>;

// What call_soon, call_later and call_at return. Copies refer to the same callback. Dropping a
// Handle changes nothing.
class Handle {
  public:
    explicit Handle(std::shared_ptr<Scheduled> scheduled) : scheduled_(std::move(scheduled)) {}

    // The callback will not run. Does nothing if it has run already, or was cancelled before.
    void cancel();
    bool cancelled() const { return scheduled_->is_cancelled; }

  private:
    std::shared_ptr<Scheduled> scheduled_;
};
