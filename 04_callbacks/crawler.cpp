// A web crawler with callbacks: what is one function in the later stages, fetch a page, is a
// class here, with a member function for each thing it has to wait for.
#include "event_loop.hpp"

#include "common/socket.hpp"
#include "common/web/crawl.hpp"
#include "common/web/http.hpp"

#include <csignal>
#include <cstddef>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

struct Crawler {
    EventLoop& loop;
    CrawlOptions options;
    std::vector<Endpoint> endpoints;
    std::size_t working_endpoint = 0; // the last one that answered
    Crawl crawl{options};
    std::deque<Page> to_fetch{crawl.start_page()};
    std::size_t active = 0; // Fetchers

    bool has_finished() const { return active == 0 && to_fetch.empty(); }
};

void start_fetching(Crawler& crawler);

// Fetches one page, over a connection of its own: connect, then on_connected, on_writable,
// on_readable, and at the end fetched or fail. The callbacks of its socket own it: without one
// it is destroyed, and the socket closed.
class Fetcher : public std::enable_shared_from_this<Fetcher> {
  public:
    Fetcher(Crawler& crawler, Page page)
        : crawler_(crawler), page_(std::move(page)), request_(make_request(page_.url)),
          deadline_(Clock::now() + crawler.options.timeout),
          endpoint_(crawler.working_endpoint), endpoints_left_(crawler.endpoints.size()) {}

    void start() {
        crawler_.loop.call_later(crawler_.options.timeout, [weak = weak_from_this()] {
            if (auto self = weak.lock()) { // it has not ended before
                self->fail("timed out");
            }
        });
        connect();
    }

  private:
    // A host may have several addresses, and not all of them may answer: what is left of the
    // time is shared by the addresses that are left.
    void connect() {
        try {
            socket_ = start_connect(crawler_.endpoints[endpoint_]);
            crawler_.loop.add_writer(socket_->fd(),
                                     [self = shared_from_this()] { self->on_connected(); });
        } catch (const std::system_error& error) {
            connect_again_or_fail(error.what());
            return;
        }
        auto share = (deadline_ - Clock::now()) / static_cast<int>(endpoints_left_);
        crawler_.loop.call_later(share, [weak = weak_from_this(), left = endpoints_left_] {
            if (auto self = weak.lock(); self && self->endpoints_left_ == left) {
                self->connect_again_or_fail("timed out"); // it still tries the same address
            }
        });
    }

    void connect_again_or_fail(const std::string& reason) {
        if (--endpoints_left_ == 0) {
            fail(reason);
        } else {
            forget_socket();
            endpoint_ = (endpoint_ + 1) % crawler_.endpoints.size();
            connect();
        }
    }

    void on_connected() {
        try {
            socket_->finish_connect();
            crawler_.working_endpoint = endpoint_;
            endpoints_left_ = 0; // no other is tried
            crawler_.loop.add_writer(socket_->fd(),
                                     [self = shared_from_this()] { self->on_writable(); });
        } catch (const std::system_error& error) {
            connect_again_or_fail(error.what());
        }
    }

    void on_writable() {
        try {
            request_.erase(0, socket_->try_send(request_).value_or(0));
            if (request_.empty()) {
                crawler_.loop.remove_writer(socket_->fd());
                crawler_.loop.add_reader(socket_->fd(),
                                         [self = shared_from_this()] { self->on_readable(); });
            }
        } catch (const std::system_error& error) {
            fail(error.what());
        }
    }

    void on_readable() {
        try {
            std::optional<std::string> data = socket_->try_recv(16 * 1024);
            if (!data) {
                return;
            }
            if (data->empty()) {
                response_.end_of_stream();
            } else {
                response_.feed(*data);
            }
        } catch (const std::system_error& error) {
            fail(error.what());
            return;
        }
        if (response_.error()) {
            fail(*response_.error());
        } else if (response_.done()) {
            fetched();
        }
    }

    void fetched() {
        for (Page& found : crawler_.crawl.fetched(page_, response_)) {
            crawler_.to_fetch.push_back(std::move(found));
        }
        end();
    }

    void fail(const std::string& reason) {
        crawler_.crawl.failed(page_, reason);
        end();
    }

    void end() {
        forget_socket();
        --crawler_.active;
        // Not called here: after many errors in a row the stack would be deep.
        crawler_.loop.call_soon([&crawler = crawler_] { start_fetching(crawler); });
    }

    void forget_socket() {
        if (socket_) {
            crawler_.loop.forget(socket_->fd());
            socket_.reset();
        }
    }

    Crawler& crawler_;
    const Page page_;
    std::string request_; // what is still to be sent
    ResponseParser response_{MAX_PAGE_BYTES};
    std::optional<Socket> socket_;
    const Clock::time_point deadline_;
    std::size_t endpoint_; // that it tries, or is connected to
    std::size_t endpoints_left_;
};

// Starts as many Fetchers as are allowed and needed; stops the loop when all is done.
void start_fetching(Crawler& crawler) {
    while (crawler.active < crawler.options.concurrency && !crawler.to_fetch.empty()) {
        Page page = std::move(crawler.to_fetch.front());
        crawler.to_fetch.pop_front();
        ++crawler.active;
        crawler.crawl.begin();
        std::make_shared<Fetcher>(crawler, std::move(page))->start();
    }
    if (crawler.has_finished()) {
        crawler.loop.stop();
    }
}

int main(int argc, char** argv) {
    try {
        CrawlOptions options = parse_crawl_options(argc, argv);
        EventLoop loop;
        // Asking a name server may block for seconds: Ctrl-C ends the program then.
        Crawler crawler{loop, options, resolve(options.start.host, options.start.port)};
        for (int signal : {SIGINT, SIGTERM}) {
            loop.add_signal_handler(signal, [&loop] { loop.stop(); });
        }
        start_fetching(crawler);
        loop.run_forever(); // until all is done, or Ctrl-C
        crawler.crawl.print_summary();
        return crawler.has_finished() ? crawler.crawl.status() : 1;
    } catch (const std::exception& error) {
        std::cerr << "crawler: " << error.what() << '\n';
        return 1;
    }
}
