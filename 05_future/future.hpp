// A Future stands for a result that is not there yet. The code that waits adds a callback; the
// code that has the result sets it; neither knows the other. A Future is a handle: copies share.
#pragma once

#include "event_loop.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

template <typename T>
class [[nodiscard]] Future {
  public:
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
    using DoneCallback = std::function<void(const Future&)>;
    explicit Future(EventLoop& loop)
        : state_(std::make_shared<State>(State{loop, {}, {}, {}})) {}

    bool done() const { return state_->value || state_->exception; }
    // The value, which stays in the Future, or throws the exception that was set.
    std::add_lvalue_reference_t<T> result() const {
        if (!done()) {
            throw std::logic_error("the result of this Future is not there yet");
        }
        if (state_->exception) {
            std::rethrow_exception(state_->exception);
        }
        return static_cast<std::add_lvalue_reference_t<T>>(*state_->value);
    }
    // Throw std::logic_error if the Future is done.
    void set_result(Value value = {}) const { finish(std::move(value), nullptr); }
    void set_exception(std::exception_ptr error) const { finish(std::nullopt, error); }
    // The loop calls `callback` with this Future when it is done, or soon if it is done already.
    void add_done_callback(DoneCallback callback) const {
        state_->callbacks.push_back(std::move(callback));
        if (done()) {
            schedule_callbacks();
        }
    }

  private:
    struct State {
        EventLoop& loop;
        std::optional<Value> value;
        std::exception_ptr exception;
        std::vector<DoneCallback> callbacks;
    };

    void finish(std::optional<Value> value, std::exception_ptr exception) const {
        if (done()) {
            throw std::logic_error("this Future has its result already");
        }
        state_->value = std::move(value);
        state_->exception = exception;
        schedule_callbacks();
    }
    // Not called here: the code that sets a result need not expect that other code runs in it.
    void schedule_callbacks() const {
        for (DoneCallback& done : std::exchange(state_->callbacks, {})) {
            state_->loop.call_soon([self = *this, done = std::move(done)] { done(self); });
        }
    }

    std::shared_ptr<State> state_; // copies share it
};
