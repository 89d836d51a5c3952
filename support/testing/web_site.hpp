// A small web server inside the test process, for the tests of the crawlers: it plays a site
// whose pages may be slow, endless or wrong, and keeps track of what it is asked for. One
// thread with poll(2) serves all connections, so that it can say how many there are at once.
#pragma once

#include "common/socket.hpp"
#include "common/wake_up.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// What the server sends for one page, and how.
struct Reply {
    std::string text;          // header and body, to the letter
    std::string repeated = {}; // then this, again and again

    // And then?
    enum class End {
        close,     // closes the connection
        reset,     // with RST instead of FIN
        stay_open, // waits until the client closes it
    };
    End end = End::close;

    // Sent a piece at a time, with a pause before each. 0: at once.
    std::size_t piece_bytes = 0;
    std::chrono::milliseconds pause{0};

    // Held back until that many requests are held back. 0: not at all.
    std::size_t held_until = 0;

    bool is_last = false; // before it is sent, the site falls silent: connecting hangs
};

// An answer with a Content-Length.
Reply reply(const std::string& status, const std::string& type, const std::string& body);
Reply html(const std::string& body); // "200 OK"
Reply redirect(const std::string& status, const std::string& location);

// Fills the queue of a listener that accepts no connection, as long as the sockets live: to
// connect to it hangs, because the kernel drops the packets.
std::vector<Socket> fill_queue(const Socket& listener);

class WebSite {
  public:
    // Listens on a free port; no pages yet: every request is answered with 404.
    explicit WebSite(const std::string& host = "127.0.0.1");
    WebSite(const WebSite&) = delete;
    WebSite& operator=(const WebSite&) = delete;
    ~WebSite();

    std::uint16_t port() const { return port_; }
    // The URL of a target: "/a.html" -> "http://127.0.0.1:50312/a.html".
    std::string url(const std::string& target) const { return "http://" + authority_ + target; }
    const std::string& authority() const { return authority_; } // "127.0.0.1:50312"

    // `target` is what a request names: "/search?q=1".
    void add(const std::string& target, Reply reply);

    // How often each target has been asked for.
    std::map<std::string, int> requests() const;
    int requests(const std::string& target) const;
    // What was wrong with requests: not GET, not for us, not what one connection is for.
    std::vector<std::string> complaints() const;
    // The most requests that were answered at once: from accept to the end of the connection.
    std::size_t most_connections() const;
    // Waits until that many connections are open and have sent their request. False: not in time.
    bool wait_for_requests_under_way(std::size_t count) const;

  private:
    using Clock = std::chrono::steady_clock;

    struct Connection {
        explicit Connection(Socket accepted) : socket(std::move(accepted)) {}

        Socket socket;
        std::string request = {};
        Reply reply = {};
        bool is_answering = false; // the request is complete
        bool is_held = false;
        bool is_over = false;
        std::size_t sent = 0;             // of reply.text
        std::size_t sent_of_repeated = 0; // modulo its size
        Clock::time_point not_before = {};
    };

    void serve();
    void accept_all();
    void drop_finished();
    void serve_one(Connection& connection, short events);
    void read_from(Connection& connection);
    void start_answer(Connection& connection);
    void check_request(const std::string& request, const std::string& target);
    void release_held(std::size_t enough);
    void write_to(Connection& connection);
    std::string next_piece(const Connection& connection) const;
    void finish(Connection& connection);
    bool wants_to_write(const Connection& connection) const;

    Socket listener_;
    std::uint16_t port_;
    std::string authority_;
    WakeUp wake_up_;
    std::vector<Connection> connections_; // only for the thread
    std::vector<Socket> queue_;           // the same; not empty: the site is silent

    mutable std::mutex mutex_; // for what follows
    mutable std::condition_variable changed_;
    bool is_ending_ = false;
    std::map<std::string, Reply> pages_;
    std::map<std::string, int> requests_;
    std::vector<std::string> complaints_;
    std::size_t most_connections_ = 0;
    std::size_t under_way_ = 0;

    std::thread thread_;
};
