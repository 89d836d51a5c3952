#include "timeout.hpp"

Deadline::Deadline(std::optional<Delay> timeout) {
    if (timeout) {
        timer_ = EventLoop::running().call_later(*timeout, [this] { expire(); });
    }
}

Deadline::~Deadline() {
    if (timer_) {
        timer_->cancel();
    }
    if (state_ == State::INTERRUPTED) {
        task_.uncancel();
    }
}

bool Deadline::is_the_cause() const {
    return state_ == State::INTERRUPTED && !was_cancelled_before_ &&
           task_.cancelling() == cancel_requests_ + 1; // ours
}

void Deadline::expire() {
    if (task_.interrupt()) {
        set_interrupted();
    } else {
        state_ = State::ONE_TURN;
        timer_ = EventLoop::running().call_soon([this] { interrupt_next_wait(); });
    }
}

// Still here, so the result has not ended the block: perhaps it waits again and again for what
// is there at once.
void Deadline::interrupt_next_wait() {
    set_interrupted();
    task_.interrupt_anyway();
}

void Deadline::set_interrupted() {
    state_ = State::INTERRUPTED;
    task_.add_cancel_request();
}
