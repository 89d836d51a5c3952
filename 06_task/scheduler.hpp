// The other school: no Futures. A generator yields an operation ("receive from this socket"),
// and the scheduler performs it when that does not block, then resumes the generator with what
// came of it. The scheduler of the Python Cookbook (recipe 12.12) works like this.
#pragma once

#include "generator.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/wake_up.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <deque>
#include <exception>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

using Clock = std::chrono::steady_clock;

// What a generator can ask for. Lives in the frame of the generator that yields it.
class Operation {
  public:
    // To be performed when `fd` is ready for `event`.
    Operation(int fd, Events event) : fd_(fd), event_(event) {}
    virtual ~Operation() = default;

    int fd() const { return fd_; }
    Events event() const { return event_; }

    // Returns false if it would have had to wait after all. An error counts as performed: it is
    // thrown at the co_yield.
    bool try_to_perform() {
        try {
            return perform();
        } catch (...) {
            error_ = std::current_exception();
            return true;
        }
    }

  protected:
    virtual bool perform() = 0;

    // For result(), which each operation has.
    void rethrow_error() const {
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
    explicit Sleep(std::chrono::nanoseconds delay)
        : Operation(-1, 0), until_(Clock::now() + std::clamp(delay, SHORTEST, LONGEST)) {}
    Clock::time_point until() const { return until_; }
    void result() const {}

  private:
    // The clock ends after 292 years.
    static constexpr std::chrono::nanoseconds SHORTEST = std::chrono::hours(0);
    static constexpr std::chrono::nanoseconds LONGEST = std::chrono::hours(100 * 365 * 24);

    bool perform() override { return true; }

    Clock::time_point until_;
};

// What the generators yield to the scheduler.
struct Request {
    Operation* operation;
    std::optional<Clock::time_point> until; // of a Sleep

    explicit Request(Operation& the_operation) : operation(&the_operation) {}
    explicit Request(Sleep& sleep) : operation(&sleep), until(sleep.until()) {}
};

template <typename Return>
using Routine = Generator<Request, void, Return>;

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
        tasks_.push_back(std::move(routine));
        ready_.push_back(std::prev(tasks_.end()));
    }

    // Makes run() throw `error`: for what ends the whole program.
    void stop(std::exception_ptr error) {
        is_stopped_ = true;
        error_ = std::move(error);
    }

    // Runs until all generators have ended.
    void run() {
        while (!tasks_.empty() && !is_stopped_) {
            while (!ready_.empty()) {
                Task task = ready_.front();
                ready_.pop_front();
                advance(task);
            }
            if (!is_stopped_) {
                wait();
            }
        }
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

  private:
    using Task = std::list<Routine<void>>::iterator;
    struct Waiting {
        Task task;
        Operation* operation;
    };

    // Runs a generator until it has to wait, or has ended. Its error is the end of it, and of
    // nothing else.
    void advance(Task task) {
        try {
            for (int sends = 0; std::optional<Request> request = task->next(); ++sends) {
                if (request->until) {
                    sleeping_.emplace(*request->until, task);
                    return;
                }
                // Sending is tried at once, though not without end. Receiving is not: a client
                // that sends for ever would never let the others have their turn.
                Operation& operation = *request->operation;
                if (operation.event() == READ || sends == 64 || !operation.try_to_perform()) {
                    wait_for(operation, task);
                    return;
                }
            }
        } catch (const std::exception& error) {
            log_line("a generator has failed:", error.what());
        } catch (...) {
            log_line("a generator has failed:",
                     "with an exception that is not a std::exception");
        }
        tasks_.erase(task);
    }

    void wait_for(Operation& operation, Task task) {
        if (waiting_.contains(operation.fd())) {
            throw std::logic_error("another generator waits for this descriptor");
        }
        selector_->register_fd(operation.fd(), operation.event());
        waiting_.emplace(operation.fd(), Waiting{task, &operation});
    }

    // Performs what has become possible.
    void wait() {
        if (tasks_.empty()) {
            return; // nothing would ever come
        }
        for (auto [fd, events] : selector_->select(time_to_wait())) {
            if (fd == wake_up_.fd()) {
                is_stopped_ = true;
                continue;
            }
            Waiting waiting = waiting_.at(fd);
            if (waiting.operation->try_to_perform()) {
                waiting_.erase(fd);
                selector_->unregister(fd);
                ready_.push_back(waiting.task);
            }
        }
        while (!sleeping_.empty() && sleeping_.begin()->first <= Clock::now()) {
            ready_.push_back(sleeping_.begin()->second);
            sleeping_.erase(sleeping_.begin());
        }
    }

    std::optional<std::chrono::nanoseconds> time_to_wait() const {
        if (sleeping_.empty()) {
            return std::nullopt;
        }
        return std::max(sleeping_.begin()->first - Clock::now(), std::chrono::nanoseconds(0));
    }

    std::unique_ptr<Selector> selector_;
    WakeUp wake_up_;
    std::list<Routine<void>> tasks_; // all that have not ended
    std::deque<Task> ready_;
    std::map<int, Waiting> waiting_; // by descriptor
    std::multimap<Clock::time_point, Task> sleeping_;
    bool is_stopped_ = false;
    std::exception_ptr error_; // for run() to throw
};
