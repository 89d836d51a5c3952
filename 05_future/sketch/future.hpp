// A Future as one writes it first: a result that is not there yet, and who waits for it.
// The same file in stages 05 and 06.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

template <typename T>
class Future {
  public:
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
    using DoneCallback = std::function<void(const Future&)>;

    bool done() const { return state_->value || state_->exception; }

    // The value that was set, or throws the exception that was set.
    std::add_lvalue_reference_t<T> result() const {
        if (state_->exception) {
            std::rethrow_exception(state_->exception);
        }
        return static_cast<std::add_lvalue_reference_t<T>>(*state_->value);
    }

    void set_result(Value value) const {
        state_->value = std::move(value);
        call_back();
    }
    void set_exception(std::exception_ptr exception) const {
        state_->exception = exception;
        call_back();
    }

    void add_done_callback(DoneCallback callback) const {
        state_->callbacks.push_back(std::move(callback));
    }

  private:
    struct State {
        std::optional<Value> value;
        std::exception_ptr exception;
        std::vector<DoneCallback> callbacks;
    };

    void call_back() const {
        for (const DoneCallback& callback : std::exchange(state_->callbacks, {})) {
            callback(*this);
        }
    }

    std::shared_ptr<State> state_ = std::make_shared<State>(); // copies share it
};
