// A socket whose operations are coroutines. Each says what stage 04's callbacks said in pieces:
// try; if it would have to wait, wait; try again. It owns the socket, as stage 01's does.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

// co_await Ready{loop, fd, READ}: the loop resumes the coroutine when the descriptor is ready.
struct [[nodiscard]] Ready {
    EventLoop& loop;
    int fd;
    Events event;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        if (loop.is_watched(fd, event)) {
            throw std::logic_error("another coroutine waits for this socket");
        }
        loop.watch(fd, event, [waiting] { waiting.resume(); });
    }
    void await_resume() const { loop.unwatch(fd, event); }
};

// co_await Sleep{loop, delay}
struct [[nodiscard]] Sleep {
    EventLoop& loop;
    Clock::duration delay;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        loop.call_later(delay, [waiting] { waiting.resume(); });
    }
    void await_resume() const {}
};
inline Sleep sleep(EventLoop& loop, Clock::duration delay) {
    return {loop, delay};
}

// One coroutine at a time may receive or accept, and one may send. The loop must outlive the
// socket. The operations throw std::system_error.
class AsyncSocket {
  public:
    AsyncSocket(EventLoop& loop, Socket socket) : loop_(&loop), socket_(std::move(socket)) {
        socket_.set_blocking(false);
    }
    AsyncSocket(AsyncSocket&&) = default;
    ~AsyncSocket() {
        if (socket_.fd() != -1) { // not moved from
            loop_->forget(socket_.fd());
        }
    }

    const std::string& address() const { return socket_.address(); }

    // At most `max_bytes`; empty at the end of the stream.
    Coroutine<std::string> recv(std::size_t max_bytes) {
        std::optional<std::string> data;
        while (!data) {
            co_await Ready{*loop_, socket_.fd(), READ};
            data = socket_.try_recv(max_bytes);
        }
        co_return std::move(*data);
    }

    // Returns when the kernel has taken all of `data`, which must stay alive until then.
    Coroutine<void> send_all(std::string_view data) {
        if (!loop_->is_watched(socket_.fd(), WRITE)) { // else another sends, and Ready throws
            data.remove_prefix(socket_.try_send(data).value_or(0)); // mostly all of it
        }
        while (!data.empty()) {
            co_await Ready{*loop_, socket_.fd(), WRITE};
            data.remove_prefix(socket_.try_send(data).value_or(0));
        }
    }

    // A client. After an error that may pass, such as no free descriptor, it tries again.
    Coroutine<AsyncSocket> accept() {
        while (true) {
            co_await Ready{*loop_, socket_.fd(), READ};
            try {
                if (std::optional<Socket> client = socket_.try_accept()) {
                    co_return AsyncSocket(*loop_, std::move(*client));
                }
                continue;
            } catch (const std::system_error& error) {
                if (is_broken_listener(error)) {
                    throw;
                }
                log_line(socket_.address(), error.what());
            }
            co_await sleep(*loop_, std::chrono::milliseconds(100));
        }
    }

  private:
    EventLoop* loop_;
    Socket socket_;
};
