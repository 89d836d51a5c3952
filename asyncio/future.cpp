#include "future.hpp"

FutureState::~FutureState() {
    if (exception_ && !is_retrieved_) {
        loop_.call_exception_handler(
            {"exception of a Future was never retrieved", exception_, {}});
    }
}

bool FutureState::cancel() {
    if (done()) {
        is_retrieved_ = true; // code that cancels does not care about the result
        return false;
    }
    finish(Status::CANCELLED);
    return true;
}

void FutureState::set_exception(std::exception_ptr exception) {
    check_may_be_set();
    exception_ = std::move(exception);
    finish(Status::FINISHED);
}

std::exception_ptr FutureState::exception() {
    if (!done()) {
        throw InvalidStateError("the result of this Future is not there yet");
    }
    if (cancelled()) {
        throw CancelledError();
    }
    is_retrieved_ = true;
    return exception_;
}

std::size_t FutureState::add_done_callback(std::function<void(FutureState&)> callback) {
    if (done()) {
        schedule(std::move(callback));
    } else if (last_callback_++ == 0) {
        first_callback_ = std::move(callback);
    } else {
        callbacks_.push_back({last_callback_, std::move(callback)});
    }
    return last_callback_;
}

bool FutureState::remove_done_callback(std::size_t number) {
    if (number == 1) {
        return std::exchange(first_callback_, nullptr) != nullptr;
    }
    return std::erase_if(callbacks_, [number](const DoneCallback& callback) {
               return callback.number == number;
           }) > 0;
}

void FutureState::check_may_be_set() const {
    if (only_coroutine_sets_) {
        throw std::logic_error("a Task gets its result from its coroutine only");
    }
    if (done()) {
        throw InvalidStateError("this Future has its result already");
    }
}

void FutureState::finish(Status status) {
    status_ = status;
    if (first_callback_) {
        schedule(std::exchange(first_callback_, nullptr));
    }
    for (DoneCallback& callback : std::exchange(callbacks_, {})) {
        schedule(std::move(callback.function));
    }
}

// Never called from here, in the middle of set_result: the caller of set_result need not expect
// that other code runs before set_result returns.
void FutureState::schedule(std::function<void(FutureState&)> callback) {
    loop_.call_soon(
        [self = shared_from_this(), callback = std::move(callback)] { callback(*self); });
}

Future<void> sleep(EventLoop& loop, Delay delay) {
    Future<void> woken(loop);
    Handle timer = loop.call_later(delay, [woken] {
        if (!woken.done()) {
            woken.set_result();
        }
    });
    woken.add_done_callback([timer](Future<void>) mutable { timer.cancel(); });
    return woken;
}
