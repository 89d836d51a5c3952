// A socket whose operations return Futures, as one writes it first.
// The same file in stages 05 and 06.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

#include "common/socket.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

class AsyncSocket {
  public:
    AsyncSocket(EventLoop& loop, Socket socket)
        : loop_(&loop), socket_(std::make_shared<Socket>(std::move(socket))) {
        socket_->set_blocking(false);
    }

    const std::string& address() const { return socket_->address(); }

    Future<std::string> recv(std::size_t max_bytes) const {
        Future<std::string> received;
        when_readable(received,
                      [self = *this, max_bytes] { return self.socket_->try_recv(max_bytes); });
        return received;
    }

    Future<AsyncSocket> accept() const {
        Future<AsyncSocket> accepted;
        when_readable(accepted, [self = *this]() -> std::optional<AsyncSocket> {
            std::optional<Socket> client = self.socket_->try_accept();
            return client ? std::optional(AsyncSocket(*self.loop_, std::move(*client)))
                          : std::nullopt;
        });
        return accepted;
    }

    Future<void> send_all(std::string data) const {
        Future<void> sent;
        send(std::move(data), sent);
        return sent;
    }

  private:
    // Tries whenever the socket can be read, until there is a value, or an exception.
    template <typename T, typename Try>
    void when_readable(const Future<T>& future, Try try_to) const {
        loop_->add_reader(socket_->fd(), [self = *this, future, try_to] {
            std::optional<T> value;
            std::exception_ptr error;
            try {
                value = try_to();
            } catch (const std::exception&) {
                error = std::current_exception();
            }
            if (value || error) {
                self.loop_->remove_reader(self.socket_->fd());
            }
            if (error) {
                future.set_exception(error);
            } else if (value) {
                future.set_result(std::move(*value));
            }
        });
    }

    // Sends what the kernel takes now, and the rest when it has room again.
    void send(std::string data, const Future<void>& sent) const {
        try {
            data.erase(0, socket_->try_send(data).value_or(0));
        } catch (const std::exception&) {
            loop_->remove_writer(socket_->fd());
            sent.set_exception(std::current_exception());
            return;
        }
        if (data.empty()) {
            loop_->remove_writer(socket_->fd());
            sent.set_result({});
        } else {
            loop_->add_writer(socket_->fd(),
                              [self = *this, data, sent] { self.send(data, sent); });
        }
    }

    EventLoop* loop_;
    std::shared_ptr<Socket> socket_; // copies share it
};
