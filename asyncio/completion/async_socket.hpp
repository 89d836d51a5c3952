// The AsyncSocket of asyncio/async_socket.hpp with the same public functions, and io_uring below
// them: the kernel does not tell us that we could receive, it tells us that it has received.
//
// What belongs to whom: from the submission of an operation until its last completion the kernel
// has the addresses of a request and of its memory. A State stays alive until then, whatever
// becomes of the handles. A coroutine that sends is resumed after that only, even when its task
// is cancelled, so the data it sends is still there.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"
#include "ring.hpp"
#include "task.hpp"

#include "common/socket.hpp"

#include <coroutine>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

inline namespace completion { // so that the linker can tell it from the other AsyncSocket

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

    // At most `max_bytes`, as a std::string; empty at the end of the stream.
    Receive recv(std::size_t max_bytes) const { return Receive(state_, max_bytes); }

    // Done when the kernel has taken all of `data`, which must stay alive until then.
    SendAll send_all(std::string_view data) const { return SendAll(state_, data); }

  private:
    class Operation;
    class Arrival;

    // A socket, and what has arrived at it. Receiving or accepting continues from one operation
    // to the next (multishot), and a cancelled operation leaves it alone: what arrives is kept
    // for the next one.
    struct State final : Request {
        std::shared_ptr<Ring> ring;
        Socket socket;
        Arrival* receiver = nullptr; // waits until something has arrived
        bool is_sending = false;

        std::string data;        // has arrived, and no operation has taken it yet
        std::deque<int> clients; // the same for a listener: descriptors, ours to close
        bool has_ended = false;  // after `data`, with
        int error = 0;           // this errno, or 0: the end of the stream

        bool is_listener = false;
        bool is_armed = false;     // the kernel has this request
        bool is_cancelled = false; // and was asked to let go of it
        bool is_abandoned = false; // there is no handle any more
        std::string buffer;        // where a single shot receives; the kernel's while armed

        State(EventLoop& loop, Socket the_socket)
            : ring(Ring::of(loop)), socket(std::move(the_socket)) {}
        State(const State&) = delete;
        State& operator=(const State&) = delete;
        ~State();

        bool has_arrived() const { return !data.empty() || !clients.empty() || has_ended; }
        // Submits this request.
        void arm();
        void cancel();
        void completed(int result, bool has_more, std::string_view received) override;
        void keep(int result, std::string_view received);
        // Resumes the receiver if there is something for it, and arms or pauses the request.
        void proceed();
        // The last handle has gone: closes the socket, and destroys the State, or leaves that to
        // the last completion.
        void abandon();
    };

    // What a task waits for.
    class Operation : public Suspension {
      public:
        explicit Operation(std::shared_ptr<State> state) : state_(std::move(state)) {}
        Operation(Operation&&) = default; // before it is awaited

        void resume() { task_->step(); }

      protected:
        void wait(CoroutinePromise& coroutine);
        void throw_if_cancelled() const;

        std::shared_ptr<State> state_;
        TaskBase* task_ = nullptr; // once it waits
        bool is_cancelled_ = false;
    };

    // co_await Arrival(state, n): waits until there is something to take from the state.
    class [[nodiscard]] Arrival : public Operation {
      public:
        Arrival(std::shared_ptr<State> state, std::size_t max_bytes)
            : Operation(std::move(state)), max_bytes_(max_bytes) {}
        Arrival(Arrival&&) = default;
        ~Arrival();

        bool await_ready() const {
            return state_->has_arrived() && state_->receiver == nullptr &&
                   TaskBase::current()->may_go_on();
        }
        template <typename Promise>
        void await_suspend(std::coroutine_handle<Promise> coroutine) {
            wait_for_arrival(coroutine.promise());
        }
        void await_resume() const { throw_if_cancelled(); }

        // Only the task stops waiting. The kernel continues: what it receives is not lost.
        bool cancel() override;
        std::size_t max_bytes() const { return max_bytes_; }

      private:
        void wait_for_arrival(CoroutinePromise& coroutine);

        std::size_t max_bytes_;
    };

    class [[nodiscard("co_await it, or pass it to create_task")]] Receive : public Arrival {
      public:
        Receive(std::shared_ptr<State> state, std::size_t max_bytes);
        std::string await_resume();
    };

    // An operation that is a request itself. Its address is the kernel's until it is done, and it
    // lives in the frame of the coroutine, so the task is not resumed before: not even when
    // it is cancelled.
    class InKernel : public Operation, public Request {
      public:
        using Operation::Operation;
        InKernel(InKernel&&) = default;
        ~InKernel();

        template <typename Promise>
        void await_suspend(std::coroutine_handle<Promise> coroutine) {
            start(coroutine.promise());
        }
        bool cancel() override;

      protected:
        virtual void prepare(io_uring_sqe* entry) = 0;
        // Returns false if it has to be submitted again.
        virtual bool is_done(int result) = 0;
        void rethrow_error(const char* what) const;

      private:
        void start(CoroutinePromise& coroutine);
        void submit_again();
        void completed(int result, bool has_more, std::string_view data) override;

        bool is_submitted_ = false;
        int error_ = 0;
    };

    class [[nodiscard("co_await it, or pass it to create_task")]] SendAll : public InKernel {
      public:
        SendAll(std::shared_ptr<State> state, std::string_view data)
            : InKernel(std::move(state)), data_(data) {}

        bool await_ready() const {
            return data_.empty() && !state_->is_sending;
        }
        void await_resume() const {
            rethrow_error("send to ");
        }

      private:
        void prepare(io_uring_sqe * entry) override;
        bool is_done(int result) override;

        std::string_view data_; // what is left of it
    };

    // co_await Connected(state): waits until an attempt to connect has ended.
    class [[nodiscard]] Connected : public InKernel {
      public:
        using InKernel::InKernel;
        bool await_ready() const { return false; }
        void await_resume() const { rethrow_error("cannot connect to "); }

      private:
        void prepare(io_uring_sqe* entry) override;
        bool is_done(int) override { return true; }
    };

    static Coroutine<AsyncSocket> accept(std::shared_ptr<State> state);

    std::shared_ptr<State> state_; // its deleter is State::abandon
};

} // namespace completion
