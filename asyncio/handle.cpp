#include "handle.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

Clock::duration to_clock(Delay delay) {
    if (std::isnan(delay.count())) {
        throw std::invalid_argument("a delay that is not a number");
    }
    constexpr Delay LONGEST = std::chrono::hours(100 * 365 * 24);
    return std::chrono::ceil<Clock::duration>(std::clamp(delay, -LONGEST, LONGEST));
}

std::string to_text(Origin origin) {
    switch (origin.kind) {
    case Origin::Kind::TIMER:
        return "a timer";
    case Origin::Kind::READER:
        return "the reader of descriptor " + std::to_string(origin.number);
    case Origin::Kind::WRITER:
        return "the writer of descriptor " + std::to_string(origin.number);
    case Origin::Kind::SIGNAL:
        return "the handler of signal " + std::to_string(origin.number);
    case Origin::Kind::CALL_SOON:
        break;
    }
    return "a callback of call_soon";
}

void Handle::cancel() {
    if (std::exchange(scheduled_->is_cancelled, true)) {
        return;
    }
    if (scheduled_->cancelled_timers != nullptr) {
        ++*scheduled_->cancelled_timers;
        // It may stay in the heap for a long time; what it has captured is released now.
        Callback dropped = std::exchange(scheduled_->callback, nullptr);
    }
}
