// The event loop: waits until something can be done without waiting, and calls the function
// that somebody left for that moment. Everything later stages add (Future, Task, coroutines) is
// built on these few calls. Names and rules are those of asyncio's event loop (PEP 3156).
//
// A loop belongs to the thread that runs it; only call_soon_threadsafe may be called from
// others.
// The same file in every stage from 04 on.
#pragma once

#include "timers.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/wake_up.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <vector>

// What the exception handler is told.
struct ExceptionContext {
    std::string message;
    std::exception_ptr exception; // null: there is only the message
    std::optional<Handle> handle; // the callback that threw, if it was one
};

class EventLoop {
  public:
    explicit EventLoop(std::unique_ptr<Selector> selector = make_default_selector());
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop() { close(); }

    // Runs until stop() is called. Throws std::runtime_error if the loop is closed, or if a
    // loop is running in this thread already.
    void run_forever();
    // Makes run_forever return when the callbacks of this iteration have run.
    void stop() { is_stopping_ = true; }
    // The same, but run_forever throws `error`: for what ends the whole program.
    void stop(std::exception_ptr error) {
        stop();
        error_ = std::move(error);
    }
    // Forgets all callbacks. From then on every call that would add one throws
    // std::runtime_error. A second call does nothing; closing a running
    // loop throws std::runtime_error.
    void close();
    bool is_running() const { return running_loop_ == this; }
    bool is_closed() const { return is_closed_; }
    // The loop that runs in this thread. Throws std::runtime_error if there is none.
    static EventLoop& running();

    // Calls `callback` in the next iteration, after those that were added before it.
    Handle call_soon(Callback callback);
    // The same from any thread; wakes the loop if it waits.
    void call_soon_threadsafe(Callback callback);
    // Calls `callback` once, not before the delay has passed, or the clock shows `when`.
    Handle call_later(Delay delay, Callback callback);
    Handle call_at(Clock::time_point when, Callback callback);
    Clock::time_point time() const { return Clock::now(); }
    // The object of type T that belongs to this loop: made when it is first asked for,
    // destroyed when the loop is closed, the last one first.
    template <typename T>
    T& local();

    // Calls `callback` in every iteration in which the descriptor can be read (or an error
    // waits there), until remove_reader; a second add_reader replaces the first. Throws
    // std::system_error if the selector does not take the descriptor.
    //
    // Remove it before the descriptor is closed: the loop knows only its number. Otherwise,
    // when another file gets that number, add_reader takes it for the old one: epoll and kqueue
    // never report it, poll and select do.
    void add_reader(int fd, Callback callback) { add(fd, READ, std::move(callback)); }
    void add_writer(int fd, Callback callback) { add(fd, WRITE, std::move(callback)); }
    // Whether there was one to remove.
    bool remove_reader(int fd) { return remove(fd, READ); }
    bool remove_writer(int fd) { return remove(fd, WRITE); }

    // Calls `callback` as an ordinary callback after the signal has arrived; a second one
    // replaces the first. Only one loop of a process can do this. Throws std::system_error or
    // std::logic_error, see WakeUp::catch_signal.
    void add_signal_handler(int signal, Callback callback);
    // The signal has its default action again. Returns whether there was a handler.
    bool remove_signal_handler(int signal);

    // An exception that leaves a callback ends up here and harms no other callback. The default
    // handler prints one line on standard error.
    void set_exception_handler(std::function<void(const ExceptionContext&)> handler);
    void call_exception_handler(const ExceptionContext& context);

    // In debug mode a callback that holds the loop for longer than 100 ms is reported to the
    // exception handler, with what it waited for: nobody else was served meanwhile. The option
    // --debug of a server turns it on, too.
    void set_debug(bool enabled) { is_debug_ = enabled; }

  private:
    // Who waits for a descriptor; null: nobody.
    struct Waiters {
        std::shared_ptr<Scheduled> reader;
        std::shared_ptr<Scheduled> writer;
        Events events() const { return (reader ? READ : 0) | (writer ? WRITE : 0); }
    };

    void run_once();
    std::optional<std::chrono::nanoseconds> time_to_wait();
    void collect_ready(const std::vector<ReadyFd>& ready_fds);
    void collect_from_outside();
    void collect_from_other_threads();
    void run(const std::shared_ptr<Scheduled>& scheduled);
    void run_by_the_clock(const std::shared_ptr<Scheduled>& scheduled);
    std::string name_of(const std::shared_ptr<Scheduled>& scheduled) const;
    bool is_watched(int fd) const {
        return fd >= 0 && static_cast<std::size_t>(fd) < waiters_.size();
    }
    void add(int fd, Events event, Callback callback);
    bool remove(int fd, Events event);
    void check_open() const;

    static inline thread_local EventLoop* running_loop_ = nullptr;

    std::unique_ptr<Selector> selector_;
    WakeUp wake_up_;
    std::vector<Waiters> waiters_; // by descriptor: the system gives the lowest free number
    ReadyQueue ready_;             // runs in the next iteration
    ReadyQueue running_;           // what this iteration runs
    Timers timers_;
    std::map<int, std::shared_ptr<Scheduled>> signal_handlers_;
    std::vector<std::pair<std::type_index, std::shared_ptr<void>>> locals_;
    std::function<void(const ExceptionContext&)> exception_handler_;
    std::exception_ptr error_; // for run_forever to throw
    bool is_stopping_ = false;
    bool is_closed_ = false;
    bool is_debug_ = is_debug_mode();

    std::mutex mutex_; // guards the next line, which other threads reach
    ReadyQueue from_other_threads_;
    std::atomic<bool> has_from_other_threads_ = false; // also without the mutex
};

inline EventLoop::EventLoop(std::unique_ptr<Selector> selector)
    : selector_(std::move(selector)) {
    selector_->register_fd(wake_up_.fd(), READ);
}

inline void EventLoop::run_forever() {
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

inline void EventLoop::close() {
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
            callbacks.push_back(std::move(scheduled->callback));
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

inline EventLoop& EventLoop::running() {
    if (running_loop_ == nullptr) {
        throw std::runtime_error("no event loop is running in this thread");
    }
    return *running_loop_;
}

inline Handle EventLoop::call_soon(Callback callback) {
    check_open();
    if (has_from_other_threads_) { // they were added before
        collect_from_other_threads();
    }
    return Handle(ready_.emplace_back(std::make_shared<Scheduled>(std::move(callback))));
}

inline void EventLoop::call_soon_threadsafe(Callback callback) {
    auto scheduled = std::make_shared<Scheduled>(std::move(callback));
    std::lock_guard lock(mutex_);
    check_open();
    from_other_threads_.push_back(std::move(scheduled));
    if (!has_from_other_threads_.exchange(true)) { // otherwise it has been woken already
        wake_up_.wake();
    }
}

inline Handle EventLoop::call_later(Delay delay, Callback callback) {
    return call_at(time() + to_clock(delay), std::move(callback));
}

inline Handle EventLoop::call_at(Clock::time_point when, Callback callback) {
    check_open();
    return timers_.add(when, std::move(callback));
}

template <typename T>
T& EventLoop::local() {
    check_open();
    for (const auto& [type, object] : locals_) {
        if (type == typeid(T)) {
            return *static_cast<T*>(object.get());
        }
    }
    auto object = std::make_shared<T>();
    locals_.emplace_back(typeid(T), object);
    return *object;
}

inline void EventLoop::add(int fd, Events event, Callback callback) {
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
    Waiters& waiters = waiters_[index];
    auto& slot = event == READ ? waiters.reader : waiters.writer;
    auto old = std::exchange(slot, std::make_shared<Scheduled>(std::move(callback)));
    if (old) {
        old->is_cancelled = true; // it may be in the ready queue already
    }
}

inline bool EventLoop::remove(int fd, Events event) {
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

inline void EventLoop::add_signal_handler(int signal, Callback callback) {
    check_open();
    wake_up_.catch_signal(signal);
    auto handler = std::make_shared<Scheduled>(std::move(callback));
    if (auto old = std::exchange(signal_handlers_[signal], handler)) {
        old->is_cancelled = true; // it may be in the ready queue already
    }
}

inline bool EventLoop::remove_signal_handler(int signal) {
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

inline void
EventLoop::set_exception_handler(std::function<void(const ExceptionContext&)> handler) {
    exception_handler_ = std::move(handler);
}

inline void EventLoop::call_exception_handler(const ExceptionContext& context) {
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
// callbacks add is for the next iteration, after another look at the I/O, so
// that nobody starves.
inline void EventLoop::run_once() {
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

inline std::optional<std::chrono::nanoseconds> EventLoop::time_to_wait() {
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

inline void EventLoop::collect_ready(const std::vector<ReadyFd>& ready_fds) {
    for (auto [fd, events] : ready_fds) {
        if (fd == wake_up_.fd()) {
            collect_from_outside();
            continue;
        }
        if (!is_watched(fd)) {
            continue;
        }
        // Nobody may wait: epoll still reports what was closed, but duplicated before.
        const Waiters& waiters = waiters_[static_cast<std::size_t>(fd)];
        if ((events & READ) != 0 && waiters.reader) {
            ready_.push_back(waiters.reader);
        }
        if ((events & WRITE) != 0 && waiters.writer) {
            ready_.push_back(waiters.writer);
        }
    }
}

inline void EventLoop::collect_from_outside() {
    wake_up_.drain(); // first, so that whatever comes from now on wakes the loop again
    for (const auto& [signal, handler] : signal_handlers_) {
        if (wake_up_.take_signal(signal)) {
            ready_.push_back(handler);
        }
    }
    collect_from_other_threads();
}

inline void EventLoop::collect_from_other_threads() {
    std::lock_guard lock(mutex_);
    has_from_other_threads_ = false;
    ready_.insert(ready_.end(), from_other_threads_.begin(), from_other_threads_.end());
    from_other_threads_.clear();
}

inline void EventLoop::run(const std::shared_ptr<Scheduled>& scheduled) {
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

inline void EventLoop::run_by_the_clock(const std::shared_ptr<Scheduled>& scheduled) {
    std::string name = name_of(scheduled); // before it runs: it may remove itself
    Clock::time_point start = time();
    run(scheduled);
    auto held = std::chrono::duration_cast<std::chrono::milliseconds>(time() - start);
    if (held > std::chrono::milliseconds(100)) {
        call_exception_handler(
            {name + " held the event loop for " + std::to_string(held.count()) + " ms", nullptr,
             Handle(scheduled)});
    }
}

// By what it waited for: that is how to find it in a large program.
inline std::string EventLoop::name_of(const std::shared_ptr<Scheduled>& scheduled) const {
    for (std::size_t fd = 0; fd < waiters_.size(); ++fd) {
        if (waiters_[fd].reader == scheduled) {
            return "the reader of descriptor " + std::to_string(fd);
        }
        if (waiters_[fd].writer == scheduled) {
            return "the writer of descriptor " + std::to_string(fd);
        }
    }
    for (const auto& [signal, handler] : signal_handlers_) {
        if (handler == scheduled) {
            return "the handler of signal " + std::to_string(signal);
        }
    }
    return scheduled->when == Clock::time_point() ? "a callback of call_soon" : "a timer";
}

inline void EventLoop::check_open() const {
    if (is_closed_) {
        throw std::runtime_error("the event loop is closed");
    }
}
