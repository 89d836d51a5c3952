// A socket whose operations you await. An AsyncSocket object is a handle: copies refer to the
// same socket, which is closed with the last of them. A loop must outlive its sockets.
//
// Registering with the selector costs a system call, so a reader stays registered from one
// operation to the next; it is removed when data arrives that no task waits for. And no Future
// is in between: the callback of the reader resumes the task itself, in the same iteration.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "task.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

class AsyncSocket {
    class Receive;
    class SendAll;

  public:
    AsyncSocket(EventLoop& loop, Socket socket);

    const std::string& address() const { return state_->socket.address(); }

    // Each operation throws std::system_error at the co_await. One task may receive or accept
    // at a time, and one may send: a second one gets std::logic_error. The operation keeps the
    // socket open, even where the AsyncSocket it was called on has gone.

    // A connection to `endpoint`.
    static Coroutine<AsyncSocket> connect(Endpoint endpoint);

    // A client. An error that may pass, such as no free descriptor, is logged, and after 100 ms
    // it tries again. Throws if the listening socket itself is no good.
    Coroutine<AsyncSocket> accept() const { return accept(state_); }

    // The two that servers do all day are not coroutines, which would need a frame each time,
    // but awaiters; create_task, gather and wait_for take them all the same.

    // At most `max_bytes`, as a std::string; empty at the end of the stream.
    Receive recv(std::size_t max_bytes) const { return Receive(state_, max_bytes); }

    // Done when the kernel has taken all of `data`, which must stay alive until then.
    SendAll send_all(std::string_view data) const { return SendAll(state_, data); }

  private:
    class Operation;

    // The operation that waits for the socket to become readable, or writable.
    struct Waiter {
        Operation* waiting = nullptr;
        bool is_registered = false; // with the loop
    };

    struct State {
        EventLoop& loop;
        Socket socket;
        Waiter reader;
        Waiter writer;

        State(EventLoop& the_loop, Socket the_socket)
            : loop(the_loop), socket(std::move(the_socket)) {}
        State(const State&) = delete;
        State& operator=(const State&) = delete;
        ~State();

        Waiter& waiter(Events event) { return event == READ ? reader : writer; }
        void start_watching(Events event);
        void stop_watching(Events event);
        void on_ready(Events event);
    };

    // Waits until the socket is ready and `perform` has succeeded, or failed.
    class Operation : public Suspension {
      public:
        Operation(std::shared_ptr<State> state, Events event)
            : state_(std::move(state)), event_(event) {}
        Operation(Operation&&) = default; // before it is awaited
        ~Operation() {
            if (task_ != nullptr && waiter().waiting == this) {
                waiter().waiting = nullptr; // the coroutine is destroyed while it waits
            }
        }

        template <typename Promise>
        void await_suspend(std::coroutine_handle<Promise> coroutine) {
            wait(coroutine.promise());
        }

        bool cancel() override;

        // The socket is ready. Returns false if there is more to wait for.
        bool try_to_perform();
        // Resumes the coroutine that waits.
        void resume() { task_->step(); }

      protected:
        // Whether another task waits for the same.
        bool is_taken() const { return waiter().waiting != nullptr; }

        // Returns false if it would have to wait. An error counts as performed, and
        // rethrow_error throws it.
        virtual bool perform() = 0;

        void rethrow_error() const {
            if (is_cancelled_) {
                throw CancelledError();
            }
            if (error_) {
                std::rethrow_exception(error_);
            }
        }

        Socket& socket() const { return state_->socket; }

      private:
        void wait(CoroutinePromise& coroutine);
        Waiter& waiter() const { return state_->waiter(event_); }

        std::shared_ptr<State> state_;
        Events event_;
        bool is_cancelled_ = false;
        TaskBase* task_ = nullptr; // once it waits
        std::exception_ptr error_;
    };

    // co_await Readiness(state, READ): waits until the socket is readable, and does nothing.
    class [[nodiscard]] Readiness : public Operation {
      public:
        using Operation::Operation;
        bool await_ready() const { return false; }
        void await_resume() const { rethrow_error(); }

      private:
        bool perform() override { return true; }
    };

    class [[nodiscard("co_await it, or pass it to create_task")]] Receive : public Operation {
      public:
        Receive(std::shared_ptr<State> state, std::size_t max_bytes)
            : Operation(std::move(state), READ), max_bytes_(max_bytes) {}

        // Not even tried: a peer that sends without end would never let the others
        // have their turn.
        bool await_ready() const {
            return false;
        }
        std::string await_resume() {
            rethrow_error();
            return std::move(*data_);
        }

      private:
        bool perform() override;

        std::size_t max_bytes_;
        std::optional<std::string> data_;
    };

    class [[nodiscard("co_await it, or pass it to create_task")]] SendAll : public Operation {
      public:
        SendAll(std::shared_ptr<State> state, std::string_view data)
            : Operation(std::move(state), WRITE), data_(data) {}

        // Not before another task that waits to send: its bytes come first.
        bool await_ready() {
            return !is_taken() && TaskBase::current()->may_go_on() && try_to_perform();
        }
        void await_resume() const {
            rethrow_error();
        }

      private:
        bool perform() override;

        std::string_view data_; // what is left of it
    };

    static Coroutine<AsyncSocket> accept(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};
