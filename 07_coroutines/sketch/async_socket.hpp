// A socket whose operations are coroutines, as one writes it first.
#pragma once

#include "coroutine.hpp"
#include "event_loop.hpp"

#include "common/socket.hpp"

#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

// co_await Readable{loop, fd}: the loop resumes us when the descriptor can be read.
struct Readable {
    EventLoop& loop;
    int fd;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        loop.add_reader(fd, [waiting] { waiting.resume(); });
    }
    void await_resume() const { loop.remove_reader(fd); }
};

struct Writable {
    EventLoop& loop;
    int fd;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
        loop.add_writer(fd, [waiting] { waiting.resume(); });
    }
    void await_resume() const { loop.remove_writer(fd); }
};

class AsyncSocket {
  public:
    AsyncSocket(EventLoop& loop, Socket socket) : loop_(&loop), socket_(std::move(socket)) {
        socket_.set_blocking(false);
    }
    const std::string& address() const { return socket_.address(); }
    Coroutine<std::string> recv(std::size_t max_bytes) {
        std::optional<std::string> data;
        while (!data) {
            co_await Readable{*loop_, socket_.fd()};
            data = socket_.try_recv(max_bytes);
        }
        co_return *data;
    }

    Coroutine<AsyncSocket> accept() {
        std::optional<Socket> client;
        while (!client) {
            co_await Readable{*loop_, socket_.fd()};
            client = socket_.try_accept();
        }
        co_return AsyncSocket(*loop_, std::move(*client));
    }

    Coroutine<void> send_all(std::string data) {
        data.erase(0, socket_.try_send(data).value_or(0));
        while (!data.empty()) {
            co_await Writable{*loop_, socket_.fd()};
            data.erase(0, socket_.try_send(data).value_or(0));
        }
    }

  private:
    EventLoop* loop_;
    Socket socket_;
};
