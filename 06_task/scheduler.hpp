// An alternative design: no Futures. A generator yields an operation ("receive from this
// socket"), and the scheduler performs it as soon as it need not wait, then resumes the generator
// with the result. The scheduler of the Python Cookbook (recipe 12.12) works like this.
#pragma once

#include "generator.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"
#include "common/wake_up.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <csignal>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

using Clock = std::chrono::steady_clock;

// What a generator can ask for, by `co_yield`. It lives in the frame of that generator. A class
// that derives from it has await_resume, which returns the result: the value of the co_yield.
class Operation {
  public:
    Operation(int fd, Events event) : fd_(fd), event_(event) {} // which it may have to wait for
    virtual ~Operation() = default;
    int fd() const { return fd_; }
    Events event() const { return event_; }

    bool await_ready() const { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> generator) {
        generator.promise().yielded = this;
    }

    // Returns false if it would have to wait. An error counts as performed: co_yield throws it.
    bool try_to_perform() {
        try {
            return perform();
        } catch (...) {
            set_error(std::current_exception());
            return true;
        }
    }
    void set_error(std::exception_ptr error) { error_ = error; }

  protected:
    virtual bool perform() = 0;
    void rethrow_error() const { // for await_resume
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

  private:
    int fd_;
    Events event_;
    std::exception_ptr error_;
};

// Waits for a while; the only operation without a descriptor.
class Sleep : public Operation {
  public:
    explicit Sleep(Clock::duration delay)
        : Operation(-1, 0),
          until(Clock::now() + std::clamp(delay, Clock::duration(0), LONGEST)) {}
    void await_resume() const {}
    const Clock::time_point until;

  private:
    static constexpr Clock::duration LONGEST = std::chrono::hours(100 * 365 * 24); // a century
    bool perform() override { return true; } // never called: there is no descriptor
};

// A generator of operations, which calls another one by yielding its elements.
template <typename Return>
struct Routine : Generator<Operation*, void, Return> {
    using Base = Generator<Operation*, void, Return>;
    using Base::Base;
    struct promise_type : Base::promise_type {
        Routine get_return_object() {
            this->frame = std::coroutine_handle<promise_type>::from_promise(*this);
            return Routine(this);
        }
        using Base::promise_type::yield_value;
        template <std::derived_from<Operation> AnyOperation>
        AnyOperation yield_value(AnyOperation operation) {
            return operation;
        }
    };
};

class Scheduler {
  public:
    // SIGINT and SIGTERM make run() return.
    explicit Scheduler(std::unique_ptr<Selector> selector) : selector_(std::move(selector)) {
        selector_->register_fd(wake_up_.fd(), READ);
        wake_up_.catch_signal(SIGINT);
        wake_up_.catch_signal(SIGTERM);
    }

    // Takes over a generator, to be run from its beginning.
    void submit(Routine<void> routine) {
        tasks_.push_front(std::move(routine));
        ready_.push_back(tasks_.begin());
    }
    // Makes run() throw `error`: for what ends the whole program.
    void stop(std::exception_ptr error) {
        is_stopped_ = true;
        error_ = error;
    }
    // Runs until all generators have ended.
    void run() {
        while (!tasks_.empty() && !is_stopped_) {
            wait();
            for (Task task : std::exchange(ready_, {})) {
                advance(task);
            }
        }
        if (error_) {
            std::rethrow_exception(error_);
        }
    }
    // Call it before you close a descriptor: the next one may get the same number.
    void forget(int fd) {
        if (auto forgotten = watched_.extract(fd)) {
            selector_->change(fd, forgotten.mapped().registered, 0);
        }
    }

  private:
    using Task = std::list<Routine<void>>::iterator;
    struct Watched {
        Events registered = 0;          // the selector watches for them
        Operation* operation = nullptr; // that waits
        Task task;                      // which has yielded it
    };

    // Runs a generator until it has to wait, or has ended. Its error ends it, and nothing else.
    void advance(Task task) {
        try {
            for (int sends = 0; std::optional<Operation*> yielded = task->next(); ++sends) {
                // Sending is tried at once, but only so often. Receiving is not: a client that
                // never stops sending would never let the others have their turn.
                Operation& operation = **yielded;
                bool is_tried = operation.event() == WRITE && sends < 64;
                if (!(is_tried && operation.try_to_perform()) && wait_for(operation, task)) {
                    return;
                }
            }
        } catch (...) {
            log_exception("exception in a generator");
        }
        tasks_.erase(task);
    }

    // Returns false if it cannot wait: then co_yield throws the error.
    bool wait_for(Operation& operation, Task task) {
        if (auto* sleep = dynamic_cast<Sleep*>(&operation)) {
            sleeping_.emplace(sleep->until, task);
            return true;
        }
        try {
            Watched& watched = watched_[operation.fd()];
            if (watched.operation != nullptr) {
                throw std::logic_error("another generator waits for this descriptor");
            }
            selector_->change(operation.fd(), watched.registered, operation.event());
            watched.operation = &operation;
            watched.task = task;
            return true;
        } catch (const std::exception&) {
            operation.set_error(std::current_exception());
            return false;
        }
    }

    // Performs what has become possible. A descriptor stays registered until it is ready and
    // nothing waits for it: mostly the generator waits for it again before that.
    void wait() {
        for (auto [fd, events] : selector_->select(time_to_wait())) {
            Watched& watched = watched_[fd];
            if (fd == wake_up_.fd()) {
                is_stopped_ = true;
            } else if (watched.operation == nullptr) {
                selector_->change(fd, watched.registered, 0);
            } else if (watched.operation->try_to_perform()) {
                watched.operation = nullptr;
                ready_.push_back(watched.task);
            }
        }
        while (!sleeping_.empty() && sleeping_.begin()->first <= Clock::now()) {
            ready_.push_back(sleeping_.extract(sleeping_.begin()).mapped());
        }
    }

    std::optional<Clock::duration> time_to_wait() const {
        if (!ready_.empty()) {
            return Clock::duration(0);
        }
        return sleeping_.empty() ? std::nullopt
                                 : std::optional(sleeping_.begin()->first - Clock::now());
    }

    std::unique_ptr<Selector> selector_;
    WakeUp wake_up_;
    std::unordered_map<int, Watched> watched_; // by descriptor
    std::multimap<Clock::time_point, Task> sleeping_;
    bool is_stopped_ = false;
    std::exception_ptr error_;       // for run() to throw
    std::list<Routine<void>> tasks_; // all that have not ended; destroyed first, they forget()
    std::vector<Task> ready_;        // to run in the next turn
};

// A socket that the scheduler forgets before it is closed.
class ScheduledSocket : public Socket {
  public:
    ScheduledSocket(Scheduler& scheduler, Socket socket)
        : Socket(std::move(socket)), scheduler_(scheduler) {
        set_blocking(false);
    }
    ScheduledSocket(ScheduledSocket&&) = default;
    ~ScheduledSocket() { scheduler_.forget(fd()); }

  private:
    Scheduler& scheduler_;
};
