// A socket whose operations return Futures. What stage 04's handlers did themselves is here once:
// to register a callback, to try when it is called, to remove it. An AsyncSocket is a handle:
// copies share the socket, and with the last of them it is closed.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

#include "common/log.hpp"
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
#include <variant>

// Done after `delay`: a Future need not be about sockets.
inline Future<void> sleep(EventLoop& loop, Clock::duration delay) {
    Future<void> woken(loop);
    loop.call_later(delay, [woken] { woken.set_result(); });
    return woken;
}

class AsyncSocket {
  public:
    AsyncSocket(EventLoop& loop, Socket socket) // the loop must outlive it
        : state_(new State{loop, std::move(socket)}) {
        state_->socket.set_blocking(false);
    }
    const std::string& address() const { return state_->socket.address(); }
    void shutdown() const { state_->socket.shutdown(); } // a pending recv ends, too

    // A Future gets a std::system_error if its operation fails. One operation at a time may read
    // (recv, accept) and one may write (send_all, connect): a second gets a std::logic_error.

    // At most `max_bytes`; empty at the end of the stream.
    Future<std::string> recv(std::size_t max_bytes) const {
        Future<std::string> received(state_->loop);
        auto try_recv = [max_bytes](Socket& socket) { return socket.try_recv(max_bytes); };
        return when_ready(READ, received, try_recv);
    }
    // Done when the kernel has taken all of `data`: mostly at once. Copies what is left.
    Future<void> send_all(std::string_view data) const {
        Future<void> sent(state_->loop);
        auto try_send = [&data](Socket& socket) {
            data.remove_prefix(socket.try_send(data).value_or(0));
            return data.empty() ? std::optional(std::monostate()) : std::nullopt;
        };
        bool is_first = !state_->loop.is_watched(state_->socket.fd(), WRITE);
        if (is_first && attempt(sent, try_send)) {
            return sent;
        }
        return when_ready(WRITE, sent, [rest = std::string(data)](Socket& socket) mutable {
            rest.erase(0, socket.try_send(rest).value_or(0));
            return rest.empty() ? std::optional(std::monostate()) : std::nullopt;
        });
    }
    // A client. After an error that may pass, such as no free descriptor, it tries again.
    Future<AsyncSocket> accept() const { return accept(Future<AsyncSocket>(state_->loop)); }
    // A connection to `endpoint`.
    static Future<AsyncSocket> connect(EventLoop& loop, const Endpoint& endpoint) {
        AsyncSocket self(loop, start_connect(endpoint));
        return self.when_ready(WRITE, Future<AsyncSocket>(loop), [self](Socket& socket) {
            socket.finish_connect();
            return std::optional(self);
        });
    }

  private:
    struct State {
        EventLoop& loop;
        Socket socket;
        ~State() { loop.forget(socket.fd()); }
    };

    Future<AsyncSocket> accept(Future<AsyncSocket> accepted) const {
        auto try_accept = [self = *this,
                           accepted](Socket& socket) -> std::optional<AsyncSocket> {
            try {
                std::optional<Socket> client = socket.try_accept();
                return client
                           ? std::optional(AsyncSocket(self.state_->loop, std::move(*client)))
                           : std::nullopt;
            } catch (const std::system_error& error) {
                if (is_broken_listener(error)) {
                    throw;
                }
                log_line(socket.address(), error.what());
            }
            self.state_->loop.unwatch(socket.fd(), READ);
            sleep(self.state_->loop, std::chrono::milliseconds(100))
                .add_done_callback([self, accepted](auto&) { return self.accept(accepted); });
            return std::nullopt;
        };
        return when_ready(READ, accepted, try_accept);
    }

    // Calls `try_to` whenever the socket is ready, until the Future is done.
    template <typename T, typename Try>
    Future<T> when_ready(Events event, Future<T> future, Try try_to) const {
        int fd = state_->socket.fd();
        auto callback = [self = *this, fd, event, future,
                         try_to = std::move(try_to)]() mutable {
            if (self.attempt(future, try_to)) {
                self.state_->loop.unwatch(fd, event);
            }
        };
        try {
            if (state_->loop.is_watched(fd, event)) {
                throw std::logic_error("another operation waits for this socket");
            }
            state_->loop.watch(fd, event, std::move(callback));
        } catch (const std::exception&) {
            future.set_exception(std::current_exception());
        }
        return future;
    }

    // Whether the Future is done now: `try_to` has returned a value, or has thrown.
    template <typename T, typename Try>
    bool attempt(const Future<T>& future, Try& try_to) const {
        try {
            if (auto value = try_to(state_->socket)) {
                future.set_result(std::move(*value));
            }
        } catch (const std::exception&) {
            future.set_exception(std::current_exception());
        }
        return future.done();
    }

    std::shared_ptr<State> state_;
};
