#include "async_socket.hpp"

#include "common/log.hpp"

#include <chrono>
#include <stdexcept>
#include <system_error>

AsyncSocket::AsyncSocket(EventLoop& loop, Socket socket)
    : state_(std::make_shared<State>(loop, std::move(socket))) {
    state_->socket.set_blocking(false);
}

Coroutine<AsyncSocket> AsyncSocket::connect(Endpoint endpoint) {
    AsyncSocket socket(EventLoop::running(), start_connect(endpoint));
    co_await Readiness(socket.state_, WRITE);
    socket.state_->socket.finish_connect();
    co_return socket;
}

Coroutine<AsyncSocket> AsyncSocket::accept(std::shared_ptr<State> state) {
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

// ---- readers and writers ----

AsyncSocket::State::~State() {
    loop.remove_reader(socket.fd());
    loop.remove_writer(socket.fd());
}

void AsyncSocket::State::start_watching(Events event) {
    if (waiter(event).is_registered) {
        return;
    }
    if (event == READ) {
        loop.add_reader(socket.fd(), [this] { on_ready(READ); });
    } else {
        loop.add_writer(socket.fd(), [this] { on_ready(WRITE); });
    }
    waiter(event).is_registered = true;
}

void AsyncSocket::State::stop_watching(Events event) {
    if (event == READ) {
        loop.remove_reader(socket.fd());
    } else {
        loop.remove_writer(socket.fd());
    }
    waiter(event).is_registered = false;
}

void AsyncSocket::State::on_ready(Events event) {
    Operation* waiting = waiter(event).waiting;
    if (waiting == nullptr) {
        stop_watching(event); // no task waits for this
    } else if (waiting->try_to_perform()) {
        waiter(event).waiting = nullptr;
        waiting->resume(); // may destroy the state
    }
}

// ---- operations ----

void AsyncSocket::Operation::wait(CoroutinePromise& coroutine) {
    if (is_taken()) {
        throw std::logic_error("another task waits for this socket already");
    }
    state_->start_watching(event_);
    waiter().waiting = this;
    task_ = TaskBase::current();
    task_->wait(coroutine, *this);
}

bool AsyncSocket::Operation::cancel() {
    if (!is_cancelled_) {
        is_cancelled_ = true;
        waiter().waiting = nullptr;
        state_->stop_watching(event_);
        state_->loop.call_soon([task = task_] { task->step(); });
    }
    return true;
}

bool AsyncSocket::Operation::try_to_perform() {
    try {
        return perform();
    } catch (const std::exception&) {
        error_ = std::current_exception();
        return true;
    }
}

bool AsyncSocket::Receive::perform() {
    data_ = socket().try_recv(max_bytes_);
    return data_.has_value();
}

bool AsyncSocket::SendAll::perform() {
    data_.remove_prefix(socket().try_send(data_).value_or(0));
    return data_.empty();
}
