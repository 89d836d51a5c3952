#include "async_socket.hpp"

#include "common/log.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t LARGEST_RECV = 16 * 1024;

// What a multishot receive may keep for us before it has to pause: a client that sends without
// reading must wait at some time.
constexpr std::size_t MUCH_DATA = 16 * 1024;

std::system_error to_exception(int error, const std::string& what) {
    return {error, std::generic_category(), what};
}

} // namespace

inline namespace completion {

// The socket blocks: io_uring answers EAGAIN for one that does not, as every call would.
AsyncSocket::AsyncSocket(EventLoop& loop, Socket socket)
    : state_(new State(loop, std::move(socket)), [](State* state) { state->abandon(); }) {
    state_->socket.set_blocking(true);
}

Coroutine<AsyncSocket> AsyncSocket::connect(Endpoint endpoint) {
    AsyncSocket socket(EventLoop::running(), start_connect(endpoint));
    co_await Connected(socket.state_);
    socket.state_->socket.finish_connect();
    co_return socket;
}

Coroutine<AsyncSocket> AsyncSocket::accept(std::shared_ptr<State> state) {
    state->is_listener = true;
    while (true) {
        co_await Arrival(state, 0);
        if (!state->clients.empty()) {
            int fd = state->clients.front();
            state->clients.pop_front();
            Socket client(fd, peer_address(fd));
            if (!client.address().empty()) {
                co_return AsyncSocket(state->ring->loop(), std::move(client));
            }
            continue; // it has gone already
        }
        state->has_ended = false;
        auto error = to_exception(state->error, "accept on " + state->socket.address());
        if (is_broken_listener(error)) {
            throw error;
        }
        log_line(state->socket.address(), error.what());
        // No free descriptor, say. The client stays in the queue, so the next try would fail at
        // once, again and again.
        co_await sleep(std::chrono::milliseconds(100));
    }
}

// ---- the state of a socket ----

AsyncSocket::State::~State() {
    for (int client : clients) {
        ::close(client);
    }
}

void AsyncSocket::State::abandon() {
    is_abandoned = true;
    if (!is_armed) {
        delete this;
        return;
    }
    socket.close(); // the kernel's request keeps the connection until it has ended
    cancel();
}

void AsyncSocket::State::cancel() {
    if (!is_cancelled) {
        is_cancelled = true;
        ring->cancel(*this);
    }
}

void AsyncSocket::State::arm() {
    ring->submit(*this, [&](io_uring_sqe* entry) {
        if (is_listener && ring->has_multishot()) {
            io_uring_prep_multishot_accept(entry, socket.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        } else if (is_listener) {
            io_uring_prep_accept(entry, socket.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        } else if (ring->has_multishot()) {
            io_uring_prep_recv_multishot(entry, socket.fd(), nullptr, 0, 0);
            Ring::use_buffers(entry);
        } else {
            buffer.resize(receiver->max_bytes());
            io_uring_prep_recv(entry, socket.fd(), buffer.data(), buffer.size(), 0);
        }
    });
    is_armed = true;
    is_cancelled = false;
}

void AsyncSocket::State::completed(int result, bool has_more, std::string_view received) {
    is_armed = has_more;
    is_cancelled = false; // that has been too late, if it was asked for
    keep(result, received);
    if (is_abandoned && !is_armed) {
        delete this;
    } else if (ring->is_closed()) {
        return; // no task will run any more
    } else if (is_abandoned) {
        cancel();
    } else {
        proceed();
    }
}

void AsyncSocket::State::keep(int result, std::string_view received) {
    bool is_pause = result == -ECANCELED || result == -EINTR || result == -EAGAIN ||
                    (result == -ENOBUFS && !is_listener); // all buffers of the ring were full
    if (is_listener && result >= 0) {
        clients.push_back(result);
    } else if (result > 0 && ring->has_multishot()) {
        data.append(received);
    } else if (result > 0) {
        buffer.resize(static_cast<std::size_t>(result));
        data = std::exchange(buffer, {});
    } else if (!is_pause) {
        has_ended = true;
        error = -result;
    }
}

void AsyncSocket::State::proceed() {
    if (receiver == nullptr) {
        if (is_armed && data.size() >= MUCH_DATA) {
            cancel(); // the next recv arms it again
        }
    } else if (has_arrived()) {
        std::exchange(receiver, nullptr)->resume(); // may destroy the state
    } else if (!is_armed) {
        arm();
    }
}

// ---- operations ----

void AsyncSocket::Operation::wait(CoroutinePromise& coroutine) {
    task_ = TaskBase::current();
    task_->wait(coroutine, *this);
}

void AsyncSocket::Operation::throw_if_cancelled() const {
    if (is_cancelled_) {
        throw CancelledError();
    }
}

AsyncSocket::Arrival::~Arrival() {
    if (state_ && state_->receiver == this) {
        state_->receiver = nullptr; // the coroutine is destroyed while it waits
    }
}

void AsyncSocket::Arrival::wait_for_arrival(CoroutinePromise& coroutine) {
    if (state_->receiver != nullptr) {
        throw std::logic_error("another task waits for this socket already");
    }
    state_->receiver = this;
    if (state_->has_arrived()) { // but it is the turn of others now
        state_->ring->loop().call_soon([state = state_] { state->proceed(); });
    } else if (!state_->is_armed) {
        state_->arm();
    }
    wait(coroutine);
}

bool AsyncSocket::Arrival::cancel() {
    if (!is_cancelled_) {
        is_cancelled_ = true;
        state_->receiver = nullptr;
        state_->ring->loop().call_soon([task = task_] { task->step(); });
    }
    return true;
}

AsyncSocket::Receive::Receive(std::shared_ptr<State> state, std::size_t max_bytes)
    : Arrival(std::move(state), std::min(max_bytes, LARGEST_RECV)) {
    if (max_bytes == 0) {
        throw std::invalid_argument("recv of no bytes would look like the end of the stream");
    }
}

std::string AsyncSocket::Receive::await_resume() {
    throw_if_cancelled();
    if (state_->data.size() > max_bytes()) {
        std::string first = state_->data.substr(0, max_bytes());
        state_->data.erase(0, max_bytes());
        return first;
    }
    if (state_->data.empty()) {
        state_->has_ended = false; // the next recv asks again
        if (state_->error != 0) {
            throw to_exception(state_->error, "recv from " + state_->socket.address());
        }
    }
    return std::exchange(state_->data, {});
}

AsyncSocket::InKernel::~InKernel() {
    if (is_submitted_) {
        // The coroutine is destroyed while it waits, so its loop is being closed.
        state_->ring->close();
    }
}

void AsyncSocket::InKernel::start(CoroutinePromise& coroutine) {
    if (state_->is_sending) {
        throw std::logic_error("another task waits for this socket already");
    }
    submit_again();
    state_->is_sending = true;
    wait(coroutine);
}

void AsyncSocket::InKernel::submit_again() {
    state_->ring->submit(*this, [this](io_uring_sqe* entry) { prepare(entry); });
    is_submitted_ = true;
}

bool AsyncSocket::InKernel::cancel() {
    if (!is_cancelled_) {
        is_cancelled_ = true;
        state_->ring->cancel(*this);
    }
    return true;
}

void AsyncSocket::InKernel::completed(int result, bool, std::string_view) {
    is_submitted_ = false;
    if (state_->ring->is_closed()) {
        return;
    }
    bool was_interrupted = result == -EINTR || result == -EAGAIN;
    if (!is_cancelled_ && (was_interrupted || (result >= 0 && !is_done(result)))) {
        submit_again();
        return;
    }
    error_ = std::max(-result, 0);
    state_->is_sending = false;
    resume();
}

void AsyncSocket::InKernel::rethrow_error(const char* what) const {
    throw_if_cancelled();
    if (error_ != 0) {
        throw to_exception(error_, what + state_->socket.address());
    }
}

void AsyncSocket::SendAll::prepare(io_uring_sqe* entry) {
    io_uring_prep_send(entry, state_->socket.fd(), data_.data(), data_.size(),
                       MSG_NOSIGNAL | MSG_WAITALL);
}

bool AsyncSocket::SendAll::is_done(int result) {
    data_.remove_prefix(static_cast<std::size_t>(result));
    return data_.empty();
}

void AsyncSocket::Connected::prepare(io_uring_sqe* entry) {
    io_uring_prep_poll_add(entry, state_->socket.fd(), POLLOUT);
}

} // namespace completion
