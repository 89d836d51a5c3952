// A socket whose operations are coroutines. An AsyncSocket object is a handle: copies stand for
// the same socket, which is closed with the last of them. A loop must outlive its sockets.
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
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

class AsyncSocket {
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
        co_await Readiness(*socket.state_, WRITE);
        socket.state_->socket.finish_connect();
        co_return socket;
    }

    // A client. While the process has no free descriptor it waits for that, too.
    Coroutine<AsyncSocket> accept() const { return accept(state_); }

    // At most `max_bytes`; empty at the end of the stream.
    Coroutine<std::string> recv(std::size_t max_bytes) const { return recv(state_, max_bytes); }

    // Returns when the kernel has taken all of `data`, which must stay alive until then.
    Coroutine<void> send_all(std::string_view data) const { return send_all(state_, data); }

  private:
    class Readiness;

    // Who waits for the socket to become readable, or writable.
    struct Waiter {
        Readiness* waiting = nullptr;
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

    // co_await Readiness(state, READ): waits until the socket is readable.
    class Readiness : public Suspension {
      public:
        Readiness(State& state, Events event) : state_(state), event_(event) {}
        ~Readiness() {
            if (waiter().waiting == this) {
                waiter().waiting = nullptr; // the coroutine is destroyed while it waits
            }
        }

        bool await_ready() const { return false; }
        template <typename Promise>
        void await_suspend(std::coroutine_handle<Promise> coroutine) {
            if (waiter().waiting != nullptr) {
                throw std::logic_error("another task waits for this socket already");
            }
            start_watching();
            waiter().waiting = this;
            task_ = TaskBase::current();
            task_->wait(coroutine.promise(), *this);
        }
        void await_resume() const {
            if (is_cancelled_) {
                throw CancelledError();
            }
        }

        bool cancel() override {
            if (!is_cancelled_) {
                is_cancelled_ = true;
                waiter().waiting = nullptr;
                stop_watching(state_, event_);
                state_.loop.call_soon([task = task_] { task->step(); });
            }
            return true;
        }

      private:
        Waiter& waiter() const { return waiter(state_, event_); }
        static Waiter& waiter(State& state, Events event) {
            return event == READ ? state.reader : state.writer;
        }

        void start_watching() const {
            if (waiter().is_registered) {
                return;
            }
            int fd = state_.socket.fd();
            if (event_ == READ) {
                state_.loop.add_reader(fd, [&state = state_] { on_ready(state, READ); });
            } else {
                state_.loop.add_writer(fd, [&state = state_] { on_ready(state, WRITE); });
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
            if (Readiness* waiting = std::exchange(waiter(state, event).waiting, nullptr)) {
                waiting->task_->step(); // may destroy the state
            } else {
                stop_watching(state, event); // nobody waits for this
            }
        }

        State& state_;
        Events event_;
        TaskBase* task_ = nullptr; // once it waits
        bool is_cancelled_ = false;
    };

    static Coroutine<AsyncSocket> accept(std::shared_ptr<State> state) {
        while (true) {
            co_await Readiness(*state, READ);
            try {
                if (std::optional<Socket> client = state->socket.try_accept()) {
                    co_return AsyncSocket(state->loop, std::move(*client));
                }
                continue;
            } catch (const std::system_error& error) {
                if (!is_out_of_resources(error)) {
                    throw;
                }
                log_line(state->socket.address(), error.what());
            }
            // No free descriptor. The client stays in the queue and the listener readable:
            // without a pause we would be resumed at once, again and again.
            co_await sleep(std::chrono::milliseconds(100));
        }
    }

    static Coroutine<std::string> recv(std::shared_ptr<State> state, std::size_t max_bytes) {
        while (true) {
            co_await Readiness(*state, READ);
            if (std::optional<std::string> data = state->socket.try_recv(max_bytes)) {
                co_return std::move(*data);
            }
        }
    }

    static Coroutine<void> send_all(std::shared_ptr<State> state, std::string_view data) {
        while (true) {
            data.remove_prefix(state->socket.try_send(data).value_or(0));
            if (data.empty()) {
                co_return;
            }
            co_await Readiness(*state, WRITE);
        }
    }

    std::shared_ptr<State> state_;
};
