// A socket whose operations one awaits. An AsyncSocket object is a handle: copies stand for the
// same socket, which is closed with the last of them. A loop must outlive its sockets.
//
// Registering with the selector costs a system call, so a reader stays registered from one
// operation to the next; it is removed when data arrives that nobody waits for. And no Future
// is in between: the callback of the reader resumes the task itself, in the same iteration.
// The same file in every stage from 07 on.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "task.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

class AsyncSocket {
    class Receive;
    class SendAll;

  public:
    AsyncSocket(EventLoop& loop, Socket socket)
        : state_(std::make_shared<State>(loop, std::move(socket))) {
        state_->socket.set_blocking(false);
    }

    const std::string& address() const { return state_->socket.address(); }

    // Each operation throws std::system_error at the co_await. One task may receive or accept
    // at a time, and one may send: a second one gets std::logic_error. The operation keeps the
    // socket open, even where the AsyncSocket it was called on has gone.

    // A connection to `endpoint`.
    static Coroutine<AsyncSocket> connect(Endpoint endpoint) {
        AsyncSocket socket(EventLoop::running(), start_connect(endpoint));
        co_await Readiness(socket.state_, WRITE);
        socket.state_->socket.finish_connect();
        co_return socket;
    }

    // A client. An error that may pass, such as no free descriptor, is logged, and after 100 ms
    // it tries again. Throws if the listening socket itself is no good.
    Coroutine<AsyncSocket> accept() const { return accept(state_); }

    // The two that servers do all day are not coroutines, which would need a frame each time,
    // but awaiters; create_task, gather and wait_for take them all the same.

    // At most `max_bytes`, as a std::string; empty at the end of the stream.
    Receive recv(std::size_t max_bytes) const { return Receive(state_, max_bytes); }

    // Goes on when the kernel has taken all of `data`, which must stay alive until then.
    SendAll send_all(std::string_view data) const { return SendAll(state_, data); }

  private:
    class Operation;

    // Who waits for the socket to become readable, or writable.
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
        ~State() {
            loop.remove_reader(socket.fd());
            loop.remove_writer(socket.fd());
        }
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
            if (is_taken()) {
                throw std::logic_error("another task waits for this socket already");
            }
            start_watching();
            waiter().waiting = this;
            task_ = TaskBase::current();
            task_->wait(coroutine.promise(), *this);
        }

        bool cancel() override {
            if (!is_cancelled_) {
                is_cancelled_ = true;
                waiter().waiting = nullptr;
                stop_watching(*state_, event_);
                state_->loop.call_soon([task = task_] { task->step(); });
            }
            return true;
        }

      protected:
        // Whether another task waits for the same.
        bool is_taken() const { return waiter().waiting != nullptr; }

        // Returns false if it would have to wait.
        virtual bool perform() = 0;

        // The same; an error counts as performed, and rethrow_error throws it.
        bool try_to_perform() {
            try {
                return perform();
            } catch (const std::exception&) {
                error_ = std::current_exception();
                return true;
            }
        }

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
        Waiter& waiter() const { return waiter(*state_, event_); }
        static Waiter& waiter(State& state, Events event) {
            return event == READ ? state.reader : state.writer;
        }

        void start_watching() const {
            if (waiter().is_registered) {
                return;
            }
            if (event_ == READ) {
                state_->loop.add_reader(socket().fd(),
                                        [&state = *state_] { on_ready(state, READ); });
            } else {
                state_->loop.add_writer(socket().fd(),
                                        [&state = *state_] { on_ready(state, WRITE); });
            }
            waiter().is_registered = true;
        }

        static void stop_watching(State& state, Events event) {
            if (event == READ) {
                state.loop.remove_reader(state.socket.fd());
            } else {
                state.loop.remove_writer(state.socket.fd());
            }
            waiter(state, event).is_registered = false;
        }

        static void on_ready(State& state, Events event) {
            Operation* waiting = waiter(state, event).waiting;
            if (waiting == nullptr) {
                stop_watching(state, event); // nobody waits for this
            } else if (waiting->try_to_perform()) {
                waiter(state, event).waiting = nullptr;
                waiting->task_->step(); // may destroy the state
            }
        }

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
        bool perform() override {
            data_ = socket().try_recv(max_bytes_);
            return data_.has_value();
        }

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
        bool perform() override {
            data_.remove_prefix(socket().try_send(data_).value_or(0));
            return data_.empty();
        }

        std::string_view data_; // what is left of it
    };

    static Coroutine<AsyncSocket> accept(std::shared_ptr<State> state) {
        while (true) {
            co_await Readiness(state, READ);
            try {
                if (std::optional<Socket> client = state->socket.try_accept()) {
                    co_return AsyncSocket(state->loop, std::move(*client));
                }
                continue;
            } catch (const std::system_error& error) {
                if (is_broken_listener(error)) {
                    throw;
                }
                log_line(state->socket.address(), error.what());
            }
            // No free descriptor, say. The client stays in the queue and the listener readable:
            // without a pause we would be resumed at once, again and again.
            co_await sleep(std::chrono::milliseconds(100));
        }
    }

    std::shared_ptr<State> state_;
};
