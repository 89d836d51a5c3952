#include "task.hpp"

#include <string>

void run_next(CoroutinePromise* coroutine) noexcept {
    TaskBase::current()->run_next(coroutine);
}

void TaskBase::step() {
    TaskBase* outer = std::exchange(current_, this);
    suspension_ = nullptr;
    operations_ = 0;
    while (next_ != nullptr && suspension_ == nullptr) {
        std::exchange(next_, nullptr)->frame.resume();
    }
    current_ = outer;
    if (next_ == nullptr) {
        finish();
    }
}

void TaskBase::start() {
    if (must_cancel_) {
        next_ = nullptr;
    }
    step();
}

void TaskBase::wait(CoroutinePromise& coroutine, Suspension& suspension) {
    next_ = &coroutine;
    suspension_ = &suspension;
    if (must_cancel_ && suspension.cancel()) {
        must_cancel_ = false;
    }
}

void TaskBase::interrupt_anyway() {
    if (!interrupt()) {
        must_cancel_ = true;
    }
}

void TaskBase::throw_if_cancelled() {
    if (std::exchange(must_cancel_, false)) {
        throw CancelledError();
    }
}

// The innermost one first, because it may refer to what those that await it own; and one after
// the other, because a frame that destroyed the next would need a stack for that.
void TaskBase::destroy_coroutines() {
    CoroutinePromise* innermost = std::exchange(next_, nullptr);
    suspension_ = nullptr;
    while (innermost != nullptr) {
        CoroutinePromise* outer = innermost->awaited_by;
        innermost->owner->destroy();
        innermost = outer;
    }
}

bool TaskBase::waits_for(const FutureState& other, int& budget) const {
    const FutureState* awaited =
        suspension_ != nullptr ? suspension_->awaited_future() : nullptr;
    return awaited != nullptr && --budget > 0 && awaited->depends_on(other, budget);
}

void TaskBase::request_cancel() {
    ++cancel_requests_;
    if (std::exchange(is_passing_on_, true)) {
        return; // tasks that wait for each other in a circle
    }
    interrupt_anyway();
    is_passing_on_ = false;
}

namespace {

struct TaskSet {
    std::map<std::uint64_t, std::shared_ptr<TaskBase>> tasks;

    ~TaskSet() {
        for (const auto& [number, task] : tasks) {
            std::string message =
                "Task-" + std::to_string(number) + " was destroyed but it is pending";
            task->as_future().loop().call_exception_handler({message, nullptr, {}});
            task->abandon();
        }
    }
};

} // namespace

// The set belongs to the loop, hence local<TaskSet>(): closing the loop destroys it, and with
// it the coroutines that still wait.
std::map<std::uint64_t, std::shared_ptr<TaskBase>>& tasks_of(EventLoop& loop) {
    return loop.local<TaskSet>().tasks;
}

Coroutine<void> sleep(Delay delay) {
    if (delay > Delay(0)) {
        co_await sleep(EventLoop::running(), delay);
    } else {
        co_await NextIteration();
    }
}
