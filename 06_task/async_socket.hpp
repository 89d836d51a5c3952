// A socket whose operations return Futures instead of waiting. An AsyncSocket object is a
// handle: copies stand for the same socket, which is closed with the last of them. A loop must
// outlive its sockets.
//
// Registering with the selector costs a system call, so a reader stays registered from one
// operation to the next; it is removed when data arrives that nobody has asked for.
// The same file in stages 05 and 06.
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

class AsyncSocket {
  public:
    AsyncSocket(EventLoop& loop, Socket socket)
        : state_(std::make_shared<State>(loop, std::move(socket))) {
        state_->socket.set_blocking(false);
    }

    const std::string& address() const { return state_->socket.address(); }

    // Each operation reports its errors (std::system_error) through the Future. Only one may
    // receive or accept at a time, and only one may send: a second one throws std::logic_error.

    // A connection to `endpoint`, which is not ready for use before the Future is done.
    static Future<AsyncSocket> connect(EventLoop& loop, const Endpoint& endpoint) {
        Future<AsyncSocket> connected(loop);
        try {
            AsyncSocket socket(loop, start_connect(endpoint));
            loop.add_writer(socket.fd(),
                            [socket, connected] { socket.finish_connect(connected); });
            connected.add_done_callback([socket](Future<AsyncSocket> done) {
                if (done.cancelled()) { // stop trying
                    socket.state_->loop.remove_writer(socket.fd());
                }
            });
        } catch (const std::system_error&) {
            connected.set_exception(std::current_exception());
        }
        return connected;
    }

    // A client. An error that may pass, such as no free descriptor, is logged, and after 100 ms
    // it tries again. Fails if the listening socket itself is no good.
    Future<AsyncSocket> accept() const {
        Future<AsyncSocket> accepted(state_->loop);
        become_waiter(state_->reader, accepted, "accept");
        wait_for_client(state_, accepted);
        return accepted;
    }

    // At most `max_bytes`; empty at the end of the stream.
    Future<std::string> recv(std::size_t max_bytes) const {
        Future<std::string> received(state_->loop);
        become_waiter(state_->reader, received, "receive");
        try {
            start_reading(*state_);
            std::shared_ptr<Reading> reading = state_->reading.lock();
            reading->received = received;
            reading->max_bytes = max_bytes;
        } catch (const std::system_error&) { // the selector cannot watch so many
            received.set_exception(std::current_exception());
        }
        return received;
    }

    // Done when the kernel has taken all of `data`, which is nearly always at once.
    Future<void> send_all(std::string_view data) const {
        Future<void> sent(state_->loop);
        become_waiter(state_->writer, sent, "send");
        try {
            data.remove_prefix(state_->socket.try_send(data).value_or(0));
            if (data.empty()) {
                sent.set_result();
            } else {
                send_when_writable(std::string(data), sent);
            }
        } catch (const std::system_error&) {
            sent.set_exception(std::current_exception());
        }
        return sent;
    }

  private:
    // What the reader of recv does when data comes. The loop owns it, with the callback: not
    // the socket, which the callbacks of `received` own.
    struct Reading {
        std::optional<Future<std::string>> received; // until it is done
        std::size_t max_bytes = 0;
    };

    struct State {
        EventLoop& loop;
        Socket socket;
        std::weak_ptr<FutureState> reader; // the operation that waits, if there is one
        std::weak_ptr<FutureState> writer;
        std::weak_ptr<Reading> reading; // while it is registered

        State(EventLoop& the_loop, Socket the_socket)
            : loop(the_loop), socket(std::move(the_socket)) {}
        State(const State&) = delete;
        State& operator=(const State&) = delete;
        ~State() {
            loop.remove_reader(socket.fd());
            loop.remove_writer(socket.fd());
            give_up(reader);
            give_up(writer);
        }

        // Nobody is left who could complete the operation.
        void give_up(const std::weak_ptr<FutureState>& waiter) const {
            if (std::shared_ptr<FutureState> waiting = waiter.lock();
                waiting && !loop.is_closed()) {
                waiting->cancel();
            }
        }
    };

    int fd() const { return state_->socket.fd(); }

    template <typename T>
    static void become_waiter(std::weak_ptr<FutureState>& waiter, const Future<T>& future,
                              const char* operation) {
        if (std::shared_ptr<FutureState> other = waiter.lock(); other && !other->done()) {
            throw std::logic_error(std::string("another ") + operation +
                                   " waits on this socket");
        }
        waiter = future.state();
    }

    static void start_reading(State& state) {
        if (state.reading.expired()) {
            auto reading = std::make_shared<Reading>();
            state.loop.add_reader(state.socket.fd(),
                                  [&state, reading] { receive(state, *reading); });
            state.reading = reading;
        }
    }

    static void receive(State& state, Reading& reading) {
        std::optional<Future<std::string>> received = std::exchange(reading.received, {});
        if (!received || received->done()) { // nobody waits for this, or not any more
            state.reading.reset();
            state.loop.remove_reader(state.socket.fd());
            return;
        }
        try {
            if (std::optional<std::string> data = state.socket.try_recv(reading.max_bytes)) {
                received->set_result(std::move(*data));
            } else {
                reading.received = received;
            }
        } catch (const std::exception&) {
            received->set_exception(std::current_exception());
        }
    }

    void finish_connect(const Future<AsyncSocket>& connected) const {
        state_->loop.remove_writer(fd());
        if (connected.done()) {
            return; // cancelled a moment ago
        }
        try {
            state_->socket.finish_connect();
            connected.set_result(*this);
        } catch (const std::system_error&) {
            connected.set_exception(std::current_exception());
        }
    }

    // The callback is removed when the client is there: it would keep the client open.
    static void wait_for_client(const std::weak_ptr<State>& listener,
                                const Future<AsyncSocket>& accepted) {
        std::shared_ptr<State> open = listener.lock();
        if (!open || accepted.done()) {
            return; // closed or cancelled in the meantime
        }
        open->reading.reset(); // whose reader this replaces
        open->loop.add_reader(open->socket.fd(), [&state = *open, listener, accepted] {
            try {
                if (!accepted.done()) { // not cancelled
                    std::optional<Socket> client = state.socket.try_accept();
                    if (!client) {
                        return;
                    }
                    accepted.set_result(state.loop, std::move(*client));
                }
            } catch (const std::system_error& error) {
                if (is_broken_listener(error)) {
                    accepted.set_exception(std::current_exception());
                } else {
                    try_again_later(state, listener, accepted, error);
                }
            }
            state.loop.remove_reader(state.socket.fd());
        });
    }

    // No free descriptor, say. The client stays in the queue and the listener readable: without
    // a pause the loop would call us at once, again and again.
    static void try_again_later(const State& state, const std::weak_ptr<State>& listener,
                                const Future<AsyncSocket>& accepted,
                                const std::system_error& error) {
        log_line(state.socket.address(), error.what());
        state.loop.call_later(std::chrono::milliseconds(100),
                              [listener, accepted] { wait_for_client(listener, accepted); });
    }

    // What try_send has left over goes out when the kernel has room again.
    void send_when_writable(std::string rest, const Future<void>& sent) const {
        state_->loop.add_writer(fd(), [&state = *state_, rest = std::move(rest),
                                       begin = std::size_t{0}, sent]() mutable {
            try {
                if (!sent.done()) {
                    begin +=
                        state.socket.try_send(std::string_view(rest).substr(begin)).value_or(0);
                    if (begin < rest.size()) {
                        return;
                    }
                    sent.set_result();
                }
            } catch (const std::system_error&) {
                sent.set_exception(std::current_exception());
            }
            state.loop.remove_writer(state.socket.fd());
        });
    }

    std::shared_ptr<State> state_;
};
