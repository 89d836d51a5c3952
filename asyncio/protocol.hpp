// Transport and Protocol: what every handler with callbacks would otherwise write again. The
// Transport moves the bytes and knows nothing about their meaning; the Protocol is told what
// happens and knows nothing about sockets. The same split, and the same rules, as in asyncio
// (PEP 3156).
//
// Who owns whom: the Server its Transports, a Transport its Protocol. A Protocol may use its
// Transport from connection_made until connection_lost returns.
#pragma once

#include "event_loop.hpp"

#include "common/socket.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

class Transport;

// Override what you need. An exception that leaves one of these functions is reported to the
// loop's exception handler, and ends the connection.
class Protocol {
  public:
    virtual ~Protocol() = default;
    virtual void connection_made(Transport&) {} // first, and once
    virtual void data_received(std::string_view) {}
    // The peer will send no more; at most once. Return true to keep writing; otherwise the
    // transport closes when all is written.
    virtual bool eof_received() { return false; }
    // Last, and once. The exception is null if the connection ended without an error.
    virtual void connection_lost(std::exception_ptr) {}
    // The peer does not read as fast as we write: write no more until resume_writing.
    virtual void pause_writing() {}
    virtual void resume_writing() {}
};

class Transport {
  public:
    // `on_lost` is called after connection_lost, and may destroy the transport.
    Transport(EventLoop& loop, Socket socket, std::unique_ptr<Protocol> protocol,
              Callback on_lost);
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    ~Transport();

    const std::string& address() const { return socket_.address(); }
    bool is_closing() const { return is_closing_; }
    std::size_t get_write_buffer_size() const { return buffer_.size() - sent_; }

    // Sends what the kernel takes now and keeps a copy of the rest. Throws std::logic_error
    // after write_eof; does nothing after close or abort, or when the connection is lost.
    void write(std::string_view data);

    // Tells the peer that nothing more comes, when the buffer has been sent. Reading continues.
    void write_eof();

    // Reads no more, sends what is in the buffer, then connection_lost(null).
    void close();

    // connection_lost(null) in the next iteration; the buffer is dropped.
    void abort() { lose(nullptr); }

    // While reading is paused the kernel's buffer fills up, and then the peer's: the peer has
    // to wait.
    void pause_reading();
    void resume_reading();
    bool is_reading() const { return !is_reading_paused_ && !is_eof_received_ && !is_closing_; }

    // pause_writing comes when the buffer is larger than `high`, resume_writing when it has
    // shrunk to `low` or below; in bytes. Throws std::invalid_argument if `low` is
    // more than `high`.
    void set_write_buffer_limits(std::size_t low, std::size_t high);

  private:
    void on_readable();
    void on_writable();
    void shut_down();
    template <typename Function>
    void call_protocol(Function function);
    void lose(std::exception_ptr error);
    void update_reader();
    void later(Callback callback);

    EventLoop& loop_;
    Socket socket_;
    std::unique_ptr<Protocol> protocol_;
    Callback on_lost_;
    std::vector<Handle> pending_; // connection_made and connection_lost
    std::string buffer_;          // from sent_ on it has yet to be sent
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
    // Makes the Protocol of a new connection. If it throws, or returns null, that is reported to
    // the exception handler of the loop, and the connection is closed.
    using ProtocolFactory = std::function<std::unique_ptr<Protocol>()>;

    Server(EventLoop& loop, Socket listener, ProtocolFactory factory);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    const std::string& address() const { return listener_.address(); }

    // Listens no more. The connections that are open stay open.
    void close();

    // Calls `callback` when the server is closed and its last connection has ended.
    void wait_closed(Callback callback);

  private:
    void start_accepting();
    void on_acceptable();
    void forget(int id);
    void tell_if_closed();

    EventLoop& loop_;
    Socket listener_;
    ProtocolFactory factory_;
    std::optional<Handle> retry_;
    std::map<int, std::unique_ptr<Transport>> transports_;
    int last_id_ = 0;
    std::vector<Callback> waiting_;
    bool is_closed_ = false;
};

std::unique_ptr<Server> create_server(EventLoop& loop, Server::ProtocolFactory factory,
                                      const std::string& host, std::uint16_t port);
