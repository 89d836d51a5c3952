#include "protocol.hpp"

#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

// ---- Transport ----

Transport::Transport(EventLoop& loop, Socket socket, std::unique_ptr<Protocol> protocol,
                     Callback on_lost)
    : loop_(loop), socket_(std::move(socket)), protocol_(std::move(protocol)),
      on_lost_(std::move(on_lost)) {
    socket_.set_blocking(false);
    later([this] {
        call_protocol([this] { protocol_->connection_made(*this); });
        update_reader();
    });
}

Transport::~Transport() {
    loop_.remove_reader(socket_.fd());
    loop_.remove_writer(socket_.fd());
    for (Handle& handle : pending_) {
        handle.cancel();
    }
}

void Transport::write(std::string_view data) {
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

void Transport::write_eof() {
    if (!std::exchange(is_eof_written_, true) && get_write_buffer_size() == 0 && !is_closing_) {
        shut_down();
    }
}

void Transport::close() {
    if (!std::exchange(is_closing_, true)) {
        update_reader();
        if (get_write_buffer_size() == 0) {
            lose(nullptr);
        }
    }
}

void Transport::pause_reading() {
    is_reading_paused_ = true;
    update_reader();
}

void Transport::resume_reading() {
    if (std::exchange(is_reading_paused_, false)) { // otherwise it is registered already
        update_reader();
    }
}

void Transport::set_write_buffer_limits(std::size_t low, std::size_t high) {
    if (low > high) {
        throw std::invalid_argument("set_write_buffer_limits: low is more than high");
    }
    low_ = low;
    high_ = high;
}

void Transport::on_readable() {
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

void Transport::on_writable() {
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

void Transport::shut_down() {
    try {
        socket_.shutdown_write();
    } catch (const std::system_error&) {
        lose(std::current_exception());
    }
}

// An error of the protocol: reported, and the end of this connection only.
template <typename Function>
void Transport::call_protocol(Function function) {
    try {
        function();
    } catch (...) {
        loop_.call_exception_handler({"exception in a protocol", std::current_exception(), {}});
        lose(std::current_exception());
    }
}

// The end: nothing is read or written any more, and connection_lost comes in the next
// iteration, because the protocol may be in the middle of something now.
void Transport::lose(std::exception_ptr error) {
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

void Transport::update_reader() {
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
void Transport::later(Callback callback) {
    pending_.push_back(loop_.call_soon(std::move(callback)));
}

// ---- Server ----

Server::Server(EventLoop& loop, Socket listener, ProtocolFactory factory)
    : loop_(loop), listener_(std::move(listener)), factory_(std::move(factory)) {
    listener_.set_blocking(false);
    start_accepting();
}

Server::~Server() {
    waiting_.clear();
    close();
}

void Server::close() {
    if (retry_) {
        retry_->cancel();
    }
    loop_.remove_reader(listener_.fd());
    listener_.close();
    is_closed_ = true;
    tell_if_closed();
}

void Server::wait_closed(Callback callback) {
    waiting_.push_back(std::move(callback));
    tell_if_closed();
}

void Server::start_accepting() {
    loop_.add_reader(listener_.fd(), [this] { on_acceptable(); });
}

void Server::on_acceptable() {
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
        std::unique_ptr<Protocol> protocol = factory_();
        if (!protocol) {
            throw std::logic_error("a protocol factory has returned no Protocol");
        }
        int id = ++last_id_;
        transports_[id] = std::make_unique<Transport>(
            loop_, std::move(*socket), std::move(protocol), [this, id] { forget(id); });
    }
}

void Server::forget(int id) {
    transports_.erase(id);
    tell_if_closed();
}

void Server::tell_if_closed() {
    if (is_closed_ && transports_.empty()) {
        for (Callback& callback : std::exchange(waiting_, {})) {
            loop_.call_soon(std::move(callback));
        }
    }
}

std::unique_ptr<Server> create_server(EventLoop& loop, Server::ProtocolFactory factory,
                                      const std::string& host, std::uint16_t port) {
    return std::make_unique<Server>(loop, listen_on(host, port), std::move(factory));
}
