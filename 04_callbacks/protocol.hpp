// Transport and Protocol: what every handler with callbacks would otherwise write again. The
// Transport moves the bytes and knows nothing of their meaning; the Protocol is told what
// happens and knows nothing of sockets. The same split, and the same rules, as in asyncio (PEP
// 3156).
//
// Who owns whom: the Server its Transports, a Transport its Protocol. A Protocol may use its
// Transport from connection_made until connection_lost returns.
#pragma once

#include "event_loop.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

class Transport;

// Override what you need. An exception that leaves one of these functions is reported to the
// loop's exception handler, and ends the connection.
class Protocol {
  public:
    virtual ~Protocol() = default;
    virtual void connection_made(Transport&) {} // first, and once
    virtual void data_received(std::string_view) {}
    // The peer will send no more; at most once. Return true to go on writing; otherwise the
    // transport closes when all is written.
    virtual bool eof_received() { return false; }
    // Last, and once. The exception is null if nobody is to blame.
    virtual void connection_lost(std::exception_ptr) {}
    // The peer does not read as fast as we write: write no more until resume_writing.
    virtual void pause_writing() {}
    virtual void resume_writing() {}
};

class Transport {
  public:
    // `on_lost` is called after connection_lost, and may destroy the transport.
    Transport(EventLoop& loop, Socket socket, std::unique_ptr<Protocol> protocol,
              Callback on_lost)
        : loop_(loop), socket_(std::move(socket)), protocol_(std::move(protocol)),
          on_lost_(std::move(on_lost)) {
        socket_.set_blocking(false);
        later([this] {
            call_protocol([this] { protocol_->connection_made(*this); });
            update_reader();
        });
    }
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    ~Transport() {
        loop_.remove_reader(socket_.fd());
        loop_.remove_writer(socket_.fd());
        for (Handle& handle : pending_) {
            handle.cancel();
        }
    }

    const std::string& address() const { return socket_.address(); }
    bool is_closing() const { return is_closing_; }
    std::size_t get_write_buffer_size() const { return buffer_.size() - sent_; }

    // Sends what the kernel takes now and keeps a copy of the rest. Throws std::logic_error
    // after write_eof; does nothing after close or abort, or when the connection is lost.
    void write(std::string_view data) {
        if (is_eof_written_) {
            throw std::logic_error("write after write_eof");
        }
        if (is_closing_) {
            return;
        }
        try {
            if (get_write_buffer_size() == 0) {
                data.remove_prefix(socket_.try_send(data).value_or(0));
            }
        } catch (const std::system_error&) {
            lose(std::current_exception());
            return;
        }
        if (!data.empty()) {
            if (get_write_buffer_size() == 0) { // otherwise it is registered already
                loop_.add_writer(socket_.fd(), [this] { on_writable(); });
            }
            buffer_.append(data);
        }
        if (!is_writing_paused_ && get_write_buffer_size() > high_) {
            is_writing_paused_ = true;
            call_protocol([this] { protocol_->pause_writing(); });
        }
    }

    // Tells the peer that nothing more comes, when the buffer has been sent. Reading goes on.
    void write_eof() {
        if (!std::exchange(is_eof_written_, true) && get_write_buffer_size() == 0 &&
            !is_closing_) {
            shut_down();
        }
    }

    // Reads no more, sends what is in the buffer, then connection_lost(null).
    void close() {
        if (!std::exchange(is_closing_, true)) {
            update_reader();
            if (get_write_buffer_size() == 0) {
                lose(nullptr);
            }
        }
    }

    // connection_lost(null) in the next iteration; the buffer is dropped.
    void abort() { lose(nullptr); }

    // While reading is paused the kernel's buffer fills up, and then the peer's: it
    // has to wait.
    void pause_reading() {
        is_reading_paused_ = true;
        update_reader();
    }
    void resume_reading() {
        if (std::exchange(is_reading_paused_, false)) { // otherwise it is registered already
            update_reader();
        }
    }
    bool is_reading() const { return !is_reading_paused_ && !is_eof_received_ && !is_closing_; }

    // pause_writing comes when the buffer is larger than `high`, resume_writing when it has
    // shrunk to `low` or below; in bytes. Throws std::invalid_argument if `low` is
    // more than `high`.
    void set_write_buffer_limits(std::size_t low, std::size_t high) {
        if (low > high) {
            throw std::invalid_argument("set_write_buffer_limits: low is more than high");
        }
        low_ = low;
        high_ = high;
    }

  private:
    void on_readable() {
        std::optional<std::string> data;
        try {
            data = socket_.try_recv(16 * 1024);
        } catch (const std::system_error&) {
            lose(std::current_exception()); // a reset, for example: not an error of ours
            return;
        }
        if (!data) {
            return;
        }
        if (!data->empty()) {
            call_protocol([&] { protocol_->data_received(*data); });
            return;
        }
        is_eof_received_ = true;
        update_reader();
        bool keeps_writing = false;
        call_protocol([&] { keeps_writing = protocol_->eof_received(); });
        if (!keeps_writing) {
            close();
        }
    }

    void on_writable() {
        try {
            sent_ += socket_.try_send(std::string_view(buffer_).substr(sent_)).value_or(0);
        } catch (const std::system_error&) {
            lose(std::current_exception());
            return;
        }
        if (sent_ > buffer_.size() / 2) { // not each time: that would move every byte often
            buffer_.erase(0, std::exchange(sent_, 0));
        }
        if (buffer_.empty()) {
            loop_.remove_writer(socket_.fd());
            if (is_eof_written_ && !is_closing_) {
                shut_down();
            }
        }
        if (is_writing_paused_ && get_write_buffer_size() <= low_) {
            is_writing_paused_ = false;
            call_protocol([this] { protocol_->resume_writing(); });
        }
        if (get_write_buffer_size() == 0 && is_closing_) {
            lose(nullptr);
        }
    }

    void shut_down() {
        try {
            socket_.shutdown_write();
        } catch (const std::system_error&) {
            lose(std::current_exception());
        }
    }

    // An error of the protocol: reported, and the end of this connection only.
    template <typename Function>
    void call_protocol(Function function) {
        try {
            function();
        } catch (...) {
            loop_.call_exception_handler(
                {"exception in a protocol", std::current_exception(), {}});
            lose(std::current_exception());
        }
    }

    // The end: nothing is read or written any more, and connection_lost comes in the next
    // iteration, because the protocol may be in the middle of something now.
    void lose(std::exception_ptr error) {
        if (std::exchange(is_lost_, true)) {
            return;
        }
        is_closing_ = true;
        buffer_.clear();
        sent_ = 0;
        loop_.remove_reader(socket_.fd());
        loop_.remove_writer(socket_.fd());
        later([this, error] {
            try {
                protocol_->connection_lost(error);
            } catch (...) {
                loop_.call_exception_handler(
                    {"exception in connection_lost", std::current_exception(), {}});
            }
            socket_.close();
            Callback on_lost = std::move(on_lost_);
            on_lost(); // may destroy us
        });
    }

    void update_reader() {
        if (!is_reading()) {
            loop_.remove_reader(socket_.fd());
            return;
        }
        try {
            loop_.add_reader(socket_.fd(), [this] { on_readable(); });
        } catch (const std::system_error&) {
            lose(std::current_exception()); // the selector cannot watch so many
        }
    }

    // Like call_soon, but not after the transport is destroyed.
    void later(Callback callback) { pending_.push_back(loop_.call_soon(std::move(callback))); }

    EventLoop& loop_;
    Socket socket_;
    std::unique_ptr<Protocol> protocol_;
    Callback on_lost_;
    std::vector<Handle> pending_; // connection_made and connection_lost
    std::string buffer_;          // what is to be sent, from sent_ on
    std::size_t sent_ = 0;
    std::size_t low_ = 16 * 1024;
    std::size_t high_ = 64 * 1024;
    bool is_reading_paused_ = false;
    bool is_writing_paused_ = false;
    bool is_eof_received_ = false;
    bool is_eof_written_ = false;
    bool is_closing_ = false;
    bool is_lost_ = false;
};

// Accepts connections and gives each a Transport and a new Protocol. Destroying it closes all
// of them without another word to their protocols; a protocol must not do that, it
// may call close().
class Server {
  public:
    using ProtocolFactory = std::function<std::unique_ptr<Protocol>()>;

    Server(EventLoop& loop, Socket listener, ProtocolFactory factory)
        : loop_(loop), listener_(std::move(listener)), factory_(std::move(factory)) {
        listener_.set_blocking(false);
        start_accepting();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        waiting_.clear();
        close();
    }

    const std::string& address() const { return listener_.address(); }

    // Listens no more. The connections that are open stay open.
    void close() {
        if (retry_) {
            retry_->cancel();
        }
        loop_.remove_reader(listener_.fd());
        listener_.close();
        is_closed_ = true;
        tell_if_closed();
    }

    // Calls `callback` when the server is closed and its last connection has ended.
    void wait_closed(Callback callback) {
        waiting_.push_back(std::move(callback));
        tell_if_closed();
    }

  private:
    void start_accepting() {
        loop_.add_reader(listener_.fd(), [this] { on_acceptable(); });
    }

    void on_acceptable() {
        std::optional<Socket> socket;
        try {
            socket = listener_.try_accept();
        } catch (const std::system_error& error) {
            if (is_broken_listener(error)) {
                loop_.stop(std::current_exception());
                return;
            }
            // No free descriptor, say. The client stays in the queue and the listener readable:
            // without a pause the loop would call us at once, again and again.
            loop_.call_exception_handler(
                {"cannot accept a connection", std::current_exception(), {}});
            loop_.remove_reader(listener_.fd());
            retry_ =
                loop_.call_later(std::chrono::milliseconds(100), [this] { start_accepting(); });
        }
        if (socket) {
            int id = ++last_id_;
            transports_[id] = std::make_unique<Transport>(loop_, std::move(*socket), factory_(),
                                                          [this, id] { forget(id); });
        }
    }

    void forget(int id) {
        transports_.erase(id);
        tell_if_closed();
    }

    void tell_if_closed() {
        if (is_closed_ && transports_.empty()) {
            for (Callback& callback : std::exchange(waiting_, {})) {
                loop_.call_soon(std::move(callback));
            }
        }
    }

    EventLoop& loop_;
    Socket listener_;
    ProtocolFactory factory_;
    std::optional<Handle> retry_;
    std::map<int, std::unique_ptr<Transport>> transports_;
    int last_id_ = 0;
    std::vector<Callback> waiting_;
    bool is_closed_ = false;
};

inline std::unique_ptr<Server> create_server(EventLoop& loop, Server::ProtocolFactory factory,
                                             const std::string& host, std::uint16_t port) {
    return std::make_unique<Server>(loop, listen_on(host, port), std::move(factory));
}
