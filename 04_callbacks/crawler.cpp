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
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

class Fetcher;

// Owns the Fetchers: one for each page that is being fetched.
class Crawler {
  public:
    Crawler(EventLoop& event_loop, const CrawlOptions& crawl_options)
        : loop(event_loop), options(crawl_options),
          // Asking a name server may block for seconds. Here nobody else has to wait
          // for it yet.
          endpoints(resolve(options.start.host, options.start.port)),
          crawl_(options), to_fetch_{crawl_.start_page()} {}

    // Starts as many Fetchers as are allowed and needed; stops the loop when there is no more
    // to do.
    void start_fetching();

    // A Fetcher reports its end, and is destroyed.
    void fetched(Fetcher& fetcher, const Page& page, const ResponseParser& response);
    void failed(Fetcher& fetcher, const Page& page, const std::string& reason);

    bool has_finished() const { return fetchers_.empty() && to_fetch_.empty(); }
    Crawl& crawl() { return crawl_; }

    EventLoop& loop;
    const CrawlOptions options;
    const std::vector<Endpoint> endpoints;

  private:
    Crawl crawl_;
    std::deque<Page> to_fetch_;
    std::map<Fetcher*, std::unique_ptr<Fetcher>> fetchers_;
};

// Fetches one page, over a connection of its own: connect, then on_connected, on_writable,
// on_readable, and at the end fetched or failed of the Crawler.
class Fetcher {
  public:
    Fetcher(Crawler& crawler, Page page)
        : crawler_(crawler), page_(std::move(page)), request_(make_request(page_.url)) {
        timeout_ =
            crawler_.loop.call_later(crawler_.options.timeout, [this] { fail("timed out"); });
        start_ = crawler_.loop.call_soon([this] { connect(); });
    }
    Fetcher(const Fetcher&) = delete;
    Fetcher& operator=(const Fetcher&) = delete;
    ~Fetcher() {
        timeout_->cancel();
        start_->cancel();
        forget_socket();
    }

  private:
    // A host may have several addresses, and not all of them may answer: takes the next one.
    void connect() {
        try {
            socket_ = start_connect(crawler_.endpoints[next_endpoint_++]);
            crawler_.loop.add_writer(socket_->fd(), [this] { on_connected(); });
        } catch (const std::system_error& error) {
            connect_again_or_fail(error.what());
        }
    }

    void connect_again_or_fail(const std::string& reason) {
        forget_socket();
        if (next_endpoint_ == crawler_.endpoints.size()) {
            fail(reason);
        } else {
            connect();
        }
    }

    void on_connected() {
        try {
            socket_->finish_connect();
            crawler_.loop.add_writer(socket_->fd(), [this] { on_writable(); });
        } catch (const std::system_error& error) {
            connect_again_or_fail(error.what());
        }
    }

    void on_writable() {
        try {
            request_.erase(0, socket_->try_send(request_).value_or(0));
            if (request_.empty()) {
                crawler_.loop.remove_writer(socket_->fd());
                crawler_.loop.add_reader(socket_->fd(), [this] { on_readable(); });
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
            crawler_.fetched(*this, page_, response_); // destroys us
        }
    }

    void fail(const std::string& reason) {
        crawler_.failed(*this, page_, reason); // destroys us
    }

    void forget_socket() {
        if (socket_) {
            crawler_.loop.remove_reader(socket_->fd());
            crawler_.loop.remove_writer(socket_->fd());
            socket_.reset();
        }
    }

    Crawler& crawler_;
    const Page page_;
    std::string request_; // what is still to be sent
    ResponseParser response_{MAX_PAGE_BYTES};
    std::optional<Socket> socket_;
    std::size_t next_endpoint_ = 0;
    std::optional<Handle> timeout_;
    std::optional<Handle> start_;
};

void Crawler::start_fetching() {
    while (fetchers_.size() < options.concurrency && !to_fetch_.empty()) {
        auto fetcher = std::make_unique<Fetcher>(*this, std::move(to_fetch_.front()));
        to_fetch_.pop_front();
        crawl_.begin();
        fetchers_.emplace(fetcher.get(), std::move(fetcher));
    }
    if (has_finished()) {
        loop.stop();
    }
}

void Crawler::fetched(Fetcher& fetcher, const Page& page, const ResponseParser& response) {
    for (Page& found : crawl_.fetched(page, response)) {
        to_fetch_.push_back(std::move(found));
    }
    fetchers_.erase(&fetcher);
    start_fetching();
}

void Crawler::failed(Fetcher& fetcher, const Page& page, const std::string& reason) {
    crawl_.failed(page, reason);
    fetchers_.erase(&fetcher);
    start_fetching();
}

int main(int argc, char** argv) {
    try {
        CrawlOptions options = parse_crawl_options(argc, argv);
        EventLoop loop;
        Crawler crawler(loop, options); // which may take a while: Ctrl-C ends the program then
        for (int signal : {SIGINT, SIGTERM}) {
            loop.add_signal_handler(signal, [&loop] { loop.stop(); });
        }
        crawler.start_fetching();
        loop.run_forever(); // until all is done, or Ctrl-C
        crawler.crawl().print_summary();
        return crawler.has_finished() ? crawler.crawl().status() : 1;
    } catch (const std::exception& error) {
        std::cerr << "crawler: " << error.what() << '\n';
        return 1;
    }
}
