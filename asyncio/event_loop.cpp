#include "event_loop.hpp"

#include "common/log.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

EventLoop::EventLoop(std::unique_ptr<Selector> selector)
    : selector_(std::move(selector)), is_debug_(is_debug_mode()) {
    selector_->register_fd(wake_up_.fd(), READ);
}

void EventLoop::run_forever() {
    check_open();
    if (running_loop_ != nullptr) {
        throw std::runtime_error("an event loop is running in this thread already");
    }
    running_loop_ = this;
    struct AtExit {
        ~AtExit() { running_loop_ = nullptr; }
    } at_exit; // even when the selector throws
    do {
        run_once();
    } while (!is_stopping_);
    is_stopping_ = false;
    if (error_) {
        std::rethrow_exception(std::exchange(error_, nullptr));
    }
}

void EventLoop::stop(std::exception_ptr error) {
    stop();
    error_ = std::move(error);
}

void EventLoop::close() {
    if (is_running()) {
        throw std::runtime_error("a running event loop cannot be closed");
    }
    if (is_closed_) {
        return;
    }
    while (!locals_.empty()) { // whose destructors may still use the loop
        std::shared_ptr<void> last = std::move(locals_.back().second);
        locals_.pop_back();
    }
    {
        std::lock_guard lock(mutex_);
        is_closed_ = true;
    }
    while (!signal_handlers_.empty()) {
        remove_signal_handler(signal_handlers_.begin()->first);
    }
    selector_.reset();
    // The callbacks are destroyed last, when everything else is done: that may call back, to
    // remove_reader for example. Handles that still exist keep nothing alive.
    std::vector<Callback> callbacks;
    auto forget = [&](const std::shared_ptr<Scheduled>& scheduled) {
        if (scheduled) {
            callbacks.push_back(std::exchange(scheduled->callback, nullptr));
        }
    };
    for (const Waiters& waiters : std::exchange(waiters_, {})) {
        forget(waiters.reader);
        forget(waiters.writer);
    }
    for (const ReadyQueue& queue : {std::exchange(ready_, {}), timers_.take_all(),
                                    std::exchange(from_other_threads_, {})}) {
        std::for_each(queue.begin(), queue.end(), forget);
    }
}

EventLoop& EventLoop::running() {
    if (running_loop_ == nullptr) {
        throw std::runtime_error("no event loop is running in this thread");
    }
    return *running_loop_;
}

Handle EventLoop::call_soon(Callback callback) {
    check_open();
    if (has_from_other_threads_) { // they were added before
        collect_from_other_threads();
    }
    return Handle(ready_.emplace_back(std::make_shared<Scheduled>(std::move(callback))));
}

void EventLoop::call_soon_threadsafe(Callback callback) {
    // Exchanged, not moved: a std::function that was moved from may be full (libc++), and what it
    // owns would be destroyed here, in the wrong thread.
    auto scheduled = std::make_shared<Scheduled>(std::exchange(callback, nullptr));
    std::lock_guard lock(mutex_);
    check_open();
    from_other_threads_.push_back(std::move(scheduled));
    if (!has_from_other_threads_.exchange(true)) { // otherwise it has been woken already
        wake_up_.wake();
    }
}

Handle EventLoop::call_later(Delay delay, Callback callback) {
    return call_at(time() + to_clock(delay), std::move(callback));
}

Handle EventLoop::call_at(Clock::time_point when, Callback callback) {
    check_open();
    return timers_.add(when, std::move(callback));
}

bool EventLoop::is_watched(int fd) const {
    return fd >= 0 && static_cast<std::size_t>(fd) < waiters_.size();
}

void EventLoop::add(int fd, Events event, Callback callback) {
    check_open();
    auto index = static_cast<std::size_t>(fd);
    Events before = is_watched(fd) ? waiters_[index].events() : 0;
    if (before == 0) {
        selector_->register_fd(fd, event); // throws if `fd` is negative
    } else if ((before & event) == 0) {
        selector_->modify(fd, before | event);
    } // otherwise only the callback changes, which costs no system call
    if (index >= waiters_.size()) {
        waiters_.resize(index + 1);
    }
    Origin origin{event == READ ? Origin::Kind::READER : Origin::Kind::WRITER, fd};
    auto& slot = event == READ ? waiters_[index].reader : waiters_[index].writer;
    auto old = std::exchange(slot, std::make_shared<Scheduled>(std::move(callback), origin));
    if (old) {
        old->is_cancelled = true; // it may be in the ready queue already
    }
}

bool EventLoop::remove(int fd, Events event) {
    if (!is_watched(fd)) {
        return false;
    }
    Waiters& waiters = waiters_[static_cast<std::size_t>(fd)];
    auto& slot = event == READ ? waiters.reader : waiters.writer;
    if (!slot) {
        return false;
    }
    std::shared_ptr<Scheduled> old = std::move(slot);
    old->is_cancelled = true; // it may be in the ready queue already
    if (Events left = waiters.events(); left != 0) {
        selector_->modify(fd, left);
    } else {
        selector_->unregister(fd);
    }
    return true; // `old` is destroyed last: it may call back
}

void EventLoop::add_signal_handler(int signal, Callback callback) {
    check_open();
    wake_up_.catch_signal(signal);
    auto handler =
        std::make_shared<Scheduled>(std::move(callback), Origin{Origin::Kind::SIGNAL, signal});
    if (auto old = std::exchange(signal_handlers_[signal], handler)) {
        old->is_cancelled = true; // it may be in the ready queue already
    }
}

bool EventLoop::remove_signal_handler(int signal) {
    auto handler = signal_handlers_.find(signal);
    if (handler == signal_handlers_.end()) {
        return false;
    }
    std::shared_ptr<Scheduled> old = std::move(handler->second);
    old->is_cancelled = true; // it may be in the ready queue already
    signal_handlers_.erase(handler);
    wake_up_.release_signal(signal);
    return true; // `old` is destroyed last: it may call back
}

void EventLoop::set_exception_handler(std::function<void(const ExceptionContext&)> handler) {
    exception_handler_ = std::move(handler);
}

void EventLoop::call_exception_handler(const ExceptionContext& context) {
    std::string line = context.message;
    try {
        if (exception_handler_) {
            auto handler = exception_handler_; // it may replace itself
            handler(context);
            return;
        }
        if (context.exception) {
            std::rethrow_exception(context.exception);
        }
    } catch (const std::exception& error) {
        line += std::string(": ") + error.what();
    } catch (...) {
        line += ": an exception that is not a std::exception";
    }
    std::cerr << line + "\n";
}

// One iteration: wait for I/O, then run exactly what is ready at that moment. What these
// callbacks add is for the next iteration, after another look at the I/O, so that no socket
// starves.
void EventLoop::run_once() {
    collect_ready(selector_->select(time_to_wait()));
    timers_.take_due(ready_);
    std::swap(ready_, running_);
    for (std::shared_ptr<Scheduled>& scheduled : running_) {
        if (is_debug_) {
            run_by_the_clock(scheduled);
        } else {
            run(scheduled);
        }
        scheduled.reset(); // what it captured is released now, not when the iteration ends
    }
    running_.clear();
}

std::optional<std::chrono::nanoseconds> EventLoop::time_to_wait() {
    std::optional<Clock::time_point> next_timer = timers_.next();
    if (is_stopping_ || !ready_.empty()) {
        return std::chrono::nanoseconds(0);
    }
    if (!next_timer) {
        return std::nullopt; // until something happens
    }
    Clock::time_point now = time();
    std::chrono::nanoseconds wait = std::max(*next_timer, now) - now;
    return std::min<std::chrono::nanoseconds>(
        wait, std::chrono::hours(24)); // some systems take no longer timeouts
}

void EventLoop::collect_ready(const std::vector<ReadyFd>& ready_fds) {
    for (auto [fd, events] : ready_fds) {
        if (fd == wake_up_.fd()) {
            collect_from_outside();
            continue;
        }
        if (!is_watched(fd)) {
            continue;
        }
        // There may be no callback: epoll still reports a descriptor that was closed if it had
        // been duplicated before.
        const Waiters& waiters = waiters_[static_cast<std::size_t>(fd)];
        if ((events & READ) != 0 && waiters.reader) {
            ready_.push_back(waiters.reader);
        }
        if ((events & WRITE) != 0 && waiters.writer) {
            ready_.push_back(waiters.writer);
        }
    }
}

void EventLoop::collect_from_outside() {
    wake_up_.drain(); // first, so that whatever comes from now on wakes the loop again
    for (const auto& [signal, handler] : signal_handlers_) {
        if (wake_up_.take_signal(signal)) {
            ready_.push_back(handler);
        }
    }
    collect_from_other_threads();
}

void EventLoop::collect_from_other_threads() {
    std::lock_guard lock(mutex_);
    has_from_other_threads_ = false;
    ready_.insert(ready_.end(), from_other_threads_.begin(), from_other_threads_.end());
    from_other_threads_.clear();
}

void EventLoop::run(const std::shared_ptr<Scheduled>& scheduled) {
    if (scheduled->is_cancelled) {
        return;
    }
    try {
        scheduled->callback();
    } catch (...) {
        call_exception_handler({"exception in a callback of the event loop",
                                std::current_exception(), Handle(scheduled)});
    }
}

void EventLoop::run_by_the_clock(const std::shared_ptr<Scheduled>& scheduled) {
    Clock::time_point start = time();
    run(scheduled);
    auto held = std::chrono::duration_cast<std::chrono::milliseconds>(time() - start);
    if (held > std::chrono::milliseconds(100)) {
        call_exception_handler({to_text(scheduled->origin) + " held the event loop for " +
                                    std::to_string(held.count()) + " ms",
                                nullptr, Handle(scheduled)});
    }
}

void EventLoop::check_open() const {
    if (is_closed_) {
        throw std::runtime_error("the event loop is closed");
    }
}
