#include "awaiters.hpp"

#include "task.hpp"

#include <stdexcept>

void FutureSuspension::wait_for(FutureState& future, CoroutinePromise& coroutine) {
    if (&future.loop() != &EventLoop::running()) {
        throw std::logic_error("this Future belongs to another event loop");
    }
    task_ = TaskBase::current();
    // Detects a task that awaits itself, directly or not. Gives up after 100 Futures, to stay
    // cheap.
    int budget = 100;
    if (future.depends_on(task_->as_future(), budget)) {
        throw std::logic_error("a task cannot wait for itself");
    }
    future.add_done_callback([task = task_](FutureState&) { task->step(); });
    task_->wait(coroutine, *this);
}

void FutureSuspension::throw_if_cancelled() const {
    if (task_ != nullptr) {
        task_->throw_if_cancelled();
    }
}

void NextIteration::wait(CoroutinePromise& coroutine) {
    task_ = TaskBase::current();
    EventLoop::running().call_soon([task = task_] { task->step(); });
    task_->wait(coroutine, *this);
}

void NextIteration::await_resume() const {
    task_->throw_if_cancelled();
}
