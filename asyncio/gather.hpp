// gather: runs several awaitables side by side and gives their results, in the order of the
// arguments.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// How one of several has ended: with a value or with an exception.
template <typename T>
struct Outcome {
    std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
    std::exception_ptr exception; // CancelledError, where it was cancelled
};

// The first argument of gather if you want all results, exceptions included.
struct ReturnExceptions {};
inline constexpr ReturnExceptions return_exceptions;

// Done when all children are, or, unless exceptions are wanted as results, when the first has
// failed. The callbacks of the children own it; it only has weak references to the children.
template <typename T>
class GatherState : public TypedFutureState<std::vector<Outcome<T>>> {
  public:
    GatherState(EventLoop& loop, const std::vector<Future<T>>& children, bool wants_exceptions)
        : TypedFutureState<std::vector<Outcome<T>>>(loop), outcomes_(children.size()),
          missing_(children.size()), wants_exceptions_(wants_exceptions) {
        for (const Future<T>& child : children) {
            children_.push_back(child.state());
        }
    }

    // Cancels the children. Done when they have ended, which may take them a while. False: all of
    // them have ended already, or one has failed.
    bool cancel() override {
        if (this->done()) {
            return FutureState::cancel();
        }
        bool has_taken_note = false;
        for (const std::weak_ptr<FutureState>& weak_child : children_) {
            if (std::shared_ptr<FutureState> child = weak_child.lock()) {
                has_taken_note = child->cancel() || has_taken_note;
            }
        }
        is_cancelled_ = is_cancelled_ || has_taken_note;
        return has_taken_note;
    }

    bool depends_on(const FutureState& other, int& budget) const override {
        auto child_depends = [&](const std::weak_ptr<FutureState>& weak_child) {
            std::shared_ptr<FutureState> child = weak_child.lock();
            return child != nullptr && child->depends_on(other, budget);
        };
        return this == &other ||
               (--budget > 0 && std::any_of(children_.begin(), children_.end(), child_depends));
    }

    void child_done(std::size_t index, const Future<T>& child) {
        Outcome<T>& outcome = outcomes_[index];
        try {
            if constexpr (std::is_void_v<T>) {
                child.result();
                outcome.value.emplace();
            } else if constexpr (std::is_copy_constructible_v<T>) {
                outcome.value.emplace(child.result()); // other tasks may want it, too
            } else {
                outcome.value.emplace(std::move(child.result()));
            }
        } catch (...) {
            outcome.exception = std::current_exception(); // so it is not reported as never seen
        }
        --missing_;
        if (this->done()) {
            return; // another child has failed before
        }
        if (outcome.exception && !wants_exceptions_) {
            this->set_exception(outcome.exception);
        } else if (missing_ == 0 && is_cancelled_) {
            FutureState::cancel();
        } else if (missing_ == 0) {
            this->set_result(std::move(outcomes_));
        }
    }

  private:
    std::vector<std::weak_ptr<FutureState>> children_;
    std::vector<Outcome<T>> outcomes_;
    std::size_t missing_;
    bool wants_exceptions_;
    bool is_cancelled_ = false;
};

// A coroutine becomes a Task; a Future stays as it is.
template <typename T>
Future<T> as_future(Coroutine<T> coroutine) {
    return create_task(std::move(coroutine));
}
template <typename T>
Future<T> as_future(Future<T> future) {
    return future;
}

template <IsAwaiter Awaiter>
auto as_future(Awaiter awaiter) {
    return as_future(as_coroutine(std::move(awaiter)));
}

template <typename T>
Future<std::vector<Outcome<T>>> start_gathering(const std::vector<Future<T>>& children,
                                                bool wants_exceptions) {
    EventLoop& loop = EventLoop::running();
    auto state = std::make_shared<GatherState<T>>(loop, children, wants_exceptions);
    for (std::size_t i = 0; i < children.size(); ++i) {
        if (&children[i].state()->loop() != &loop) {
            throw std::logic_error("gather: a Future belongs to another event loop");
        }
        children[i].add_done_callback(
            [state, i](Future<T> child) { state->child_done(i, child); });
    }
    if (children.empty()) {
        state->set_result();
    }
    return Future<std::vector<Outcome<T>>>(state);
}

template <typename T>
Coroutine<std::vector<Outcome<T>>> all_outcomes(Future<std::vector<Outcome<T>>> gathering) {
    co_return std::move(co_await gathering);
}

template <typename T>
Coroutine<std::vector<T>> all_values(Future<std::vector<Outcome<T>>> gathering) {
    std::vector<T> values;
    for (Outcome<T>& outcome : co_await gathering) {
        values.push_back(std::move(*outcome.value));
    }
    co_return values;
}
inline Coroutine<void> all_values(Future<std::vector<Outcome<void>>> gathering) {
    co_await gathering;
}

// Awaits Futures of the same type, given as a vector. Unlike in asyncio what it returns is a
// Coroutine, and not a Future: await it, or pass it to create_task. Their values are copied;
// those that cannot be copied are moved out. The first exception comes out at once; the others
// run on, and their results are ignored. Cancelling the task that awaits it cancels all
// children.
template <typename T>
auto gather(std::vector<Future<T>> children) {
    return all_values(start_gathering(children, false));
}
// The same for coroutines and Futures given one by one; the coroutines start at once.
template <typename First, typename... Others>
auto gather(First first, Others... others) {
    return gather(std::vector{as_future(std::move(first)), as_future(std::move(others))...});
}

// Waits for all and gives a vector of Outcome: an exception is a result like any other.
template <typename T>
auto gather(ReturnExceptions, std::vector<Future<T>> children) {
    return all_outcomes(start_gathering(children, true));
}
template <typename First, typename... Others>
auto gather(ReturnExceptions, First first, Others... others) {
    return gather(return_exceptions,
                  std::vector{as_future(std::move(first)), as_future(std::move(others))...});
}
