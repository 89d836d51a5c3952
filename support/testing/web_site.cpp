#include "support/testing/web_site.hpp"

#include "support/testing/server_process.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace {

std::uint16_t port_of(const Socket& listener) {
    const std::string& address = listener.address();
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

} // namespace

Reply reply(const std::string& status, const std::string& type, const std::string& body) {
    Reply result;
    result.text = "HTTP/1.1 " + status +
                  "\r\n"
                  "Content-Type: " +
                  type +
                  "\r\n"
                  "Content-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body;
    return result;
}

Reply html(const std::string& body) {
    return reply("200 OK", "text/html; charset=utf-8", body);
}

Reply redirect(const std::string& status, const std::string& location) {
    Reply result;
    result.text =
        "HTTP/1.1 " + status + "\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n";
    return result;
}

std::vector<Socket> fill_queue(const Socket& listener) {
    Endpoint endpoint{};
    endpoint.length = sizeof endpoint.address;
    if (::listen(listener.fd(), 0) == -1 ||
        ::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&endpoint.address),
                      &endpoint.length) == -1) {
        throw std::system_error(errno, std::generic_category(), "fill_queue");
    }
    std::vector<Socket> queue;
    for (int i = 0; i < 8; ++i) { // more than a queue of length 0 can hold
        queue.push_back(start_connect(endpoint));
    }
    return queue;
}

WebSite::WebSite(const std::string& host)
    : listener_(listen_on(host, 0)), port_(port_of(listener_)),
      authority_(listener_.address()) {
    listener_.set_blocking(false);
    thread_ = std::thread([this] { serve(); });
}

WebSite::~WebSite() {
    {
        std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    wake_up_.wake();
    thread_.join();
}

void WebSite::add(const std::string& target, Reply page) {
    std::lock_guard lock(mutex_);
    if (!pages_.emplace(target, std::move(page)).second) {
        throw std::logic_error(target + " is already there");
    }
}

std::map<std::string, int> WebSite::requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
}

int WebSite::requests(const std::string& target) const {
    std::lock_guard lock(mutex_);
    auto found = requests_.find(target);
    return found == requests_.end() ? 0 : found->second;
}

std::vector<std::string> WebSite::complaints() const {
    std::lock_guard lock(mutex_);
    return complaints_;
}

std::size_t WebSite::most_connections() const {
    std::lock_guard lock(mutex_);
    return most_connections_;
}

bool WebSite::wait_for_requests_under_way(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return under_way_ == count; });
}

// ---- the thread

void WebSite::serve() {
    while (true) {
        std::vector<pollfd> entries = {{wake_up_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
        if (!queue_.empty()) {
            entries[1].fd = -1; // poll ignores it
        }
        int timeout = -1; // milliseconds
        for (const Connection& connection : connections_) {
            short events = POLLIN;
            if (wants_to_write(connection)) {
                auto left = std::chrono::ceil<std::chrono::milliseconds>(connection.not_before -
                                                                         Clock::now());
                int wait = static_cast<int>(std::max<std::int64_t>(0, left.count()));
                if (wait == 0) {
                    events = POLLIN | POLLOUT;
                } else {
                    timeout = timeout == -1 ? wait : std::min(timeout, wait);
                }
            }
            entries.push_back({connection.socket.fd(), events, 0});
        }
        if (::poll(entries.data(), static_cast<nfds_t>(entries.size()), timeout) == -1) {
            continue; // EINTR
        }
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            serve_one(connections_[i], entries[i + 2].revents);
        }
        drop_finished();
        if (entries[1].revents != 0) {
            accept_all();
        }
        std::lock_guard lock(mutex_);
        if (is_ending_) {
            return;
        }
    }
}

// A client that closes one connection and then opens the next has only one at a time, so the
// end of the old ones has to be noticed before a new one is counted.
void WebSite::accept_all() {
    while (std::optional<Socket> socket = listener_.try_accept()) {
        for (Connection& connection : connections_) {
            read_from(connection);
        }
        drop_finished();
        connections_.emplace_back(std::move(*socket));
        std::lock_guard lock(mutex_);
        most_connections_ = std::max(most_connections_, connections_.size());
    }
}

void WebSite::drop_finished() {
    std::erase_if(connections_,
                  [](const Connection& connection) { return connection.is_over; });
    std::lock_guard lock(mutex_);
    under_way_ = static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(),
                      [](const Connection& connection) { return connection.is_answering; }));
    changed_.notify_all();
}

void WebSite::serve_one(Connection& connection, short events) {
    if ((events & ~POLLOUT) != 0) {
        read_from(connection);
    }
    if ((events & POLLOUT) != 0 && !connection.is_over) {
        write_to(connection);
    }
}

void WebSite::read_from(Connection& connection) {
    if (connection.is_over) {
        return;
    }
    try {
        std::optional<std::string> data = connection.socket.try_recv(4096);
        if (!data) {
            return;
        }
        if (data->empty()) {
            connection.is_over = true; // the client has closed it
            return;
        }
        connection.request += *data;
    } catch (const std::system_error&) {
        connection.is_over = true; // reset
        return;
    }
    std::size_t end = connection.request.find("\r\n\r\n");
    if (end == std::string::npos) {
        return;
    }
    if (connection.is_answering || end + 4 != connection.request.size()) {
        std::lock_guard lock(mutex_);
        complaints_.push_back("more than one request: " + connection.request);
        return;
    }
    start_answer(connection);
}

void WebSite::start_answer(Connection& connection) {
    std::string target = connection.request.substr(0, connection.request.find("\r\n"));
    std::size_t start = std::min(target.find(' '), target.size() - 1) + 1;
    target = target.substr(start, target.rfind(' ') - start);
    check_request(connection.request, target);
    connection.is_answering = true;
    {
        std::lock_guard lock(mutex_);
        ++requests_[target];
        auto found = pages_.find(target);
        connection.reply = found != pages_.end()
                               ? found->second
                               : reply("404 Not Found", "text/plain", "no such page\n");
    }
    if (connection.reply.is_last) {
        queue_ = fill_queue(listener_);
    }
    connection.not_before = Clock::now() + connection.reply.pause;
    if (connection.reply.held_until > 0) {
        connection.is_held = true;
        release_held(connection.reply.held_until);
    }
}

void WebSite::check_request(const std::string& request, const std::string& target) {
    std::lock_guard lock(mutex_);
    if (!request.starts_with("GET " + target + " HTTP/1.") || !target.starts_with('/')) {
        complaints_.push_back("an odd request line: " + request);
    }
    if (request.find("\r\nHost: " + authority_ + "\r\n") == std::string::npos) {
        complaints_.push_back("no Host header, or not ours: " + request);
    }
}

void WebSite::release_held(std::size_t enough) {
    auto is_held = [](const Connection& connection) { return connection.is_held; };
    auto count = std::count_if(connections_.begin(), connections_.end(), is_held);
    if (static_cast<std::size_t>(count) < enough) {
        return;
    }
    for (Connection& connection : connections_) {
        connection.is_held = false;
    }
}

bool WebSite::wants_to_write(const Connection& connection) const {
    return connection.is_answering && !connection.is_held &&
           (connection.sent < connection.reply.text.size() ||
            !connection.reply.repeated.empty() ||
            connection.reply.end != Reply::End::stay_open);
}

std::string WebSite::next_piece(const Connection& connection) const {
    const Reply& reply = connection.reply;
    std::string piece = connection.sent < reply.text.size()
                            ? reply.text.substr(connection.sent)
                            : reply.repeated.substr(connection.sent_of_repeated);
    if (reply.piece_bytes > 0) {
        piece.resize(std::min(piece.size(), reply.piece_bytes));
    }
    return piece;
}

void WebSite::write_to(Connection& connection) {
    const Reply& reply = connection.reply;
    std::string piece = next_piece(connection);
    try {
        std::size_t sent = connection.socket.try_send(piece).value_or(0);
        if (connection.sent < reply.text.size()) {
            connection.sent += sent;
        } else if (!reply.repeated.empty()) {
            connection.sent_of_repeated =
                (connection.sent_of_repeated + sent) % reply.repeated.size();
        }
    } catch (const std::system_error&) {
        connection.is_over = true; // the client has had enough
        return;
    }
    connection.not_before = Clock::now() + reply.pause;
    if (connection.sent == reply.text.size() && reply.repeated.empty() &&
        reply.end != Reply::End::stay_open) {
        finish(connection);
    }
}

// Closes it at once, so that no new connection can come while this one still counts.
void WebSite::finish(Connection& connection) {
    if (connection.reply.end == Reply::End::reset) {
        linger at_once{1, 0};
        ::setsockopt(connection.socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    connection.socket.close();
    connection.is_over = true;
}
