// The event loop: waits until something can be done without waiting, and calls the function
// that was registered for that moment. Everything else here (Future, Task, coroutines) is built
// on these few calls. Names and rules are those of asyncio's event loop (PEP 3156).
//
// A loop belongs to the thread that runs it; only call_soon_threadsafe may be called from other
// threads.
#pragma once

#include "handle.hpp"
#include "timers.hpp"

#include "common/selector.hpp"
#include "common/wake_up.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
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
    void stop(std::exception_ptr error);
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

    // The object of type T that belongs to this loop. The loop makes it when it is first asked
    // for, and destroys it when it is closed, the last one first. So each loop has its own set
    // of tasks (task.cpp) and its own thread pool (executor.hpp), although it knows neither
    // type, and a program without tasks or threads makes neither.
    template <typename T>
    T& local();

    // Calls `callback` in every iteration in which the descriptor can be read (or has an error
    // to report), until remove_reader; a second add_reader replaces the first. Throws
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
    // exception handler, with what it waited for: meanwhile no other client was served. The
    // option --debug of a server turns it on, too.
    void set_debug(bool enabled) { is_debug_ = enabled; }

  private:
    // The callbacks of a descriptor; null: there is none.
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
    bool is_watched(int fd) const;
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
    bool is_debug_;

    std::mutex mutex_; // guards the next line, which other threads reach
    ReadyQueue from_other_threads_;
    std::atomic<bool> has_from_other_threads_ = false; // also without the mutex
};

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
