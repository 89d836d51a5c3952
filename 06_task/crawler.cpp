// A web crawler with generators and Tasks: a Task for each page, as many at once as allowed.
#include "async_socket.hpp"
#include "run.hpp"

#include "common/socket.hpp"
#include "common/web/crawl.hpp"
#include "common/web/http.hpp"

#include <cstddef>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

struct Crawler {
    EventLoop& loop;
    CrawlOptions options;
    std::vector<Endpoint> endpoints;
    std::size_t working_endpoint = 0; // the last one that answered
    Crawl crawl{options};
    std::deque<Page> to_fetch{crawl.start_page()};
    std::size_t active = 0; // Tasks that fetch a page
    Future<void> finished{loop};
};

// Connects, but not for longer than `limit`.
Coroutine<AsyncSocket> connect(EventLoop& loop, const Endpoint& endpoint,
                               Clock::duration limit) {
    Socket socket = start_connect(endpoint);
    Future<bool> in_time(loop); // the first of the two counts
    auto finish = [in_time](bool is_writable) {
        if (!in_time.done()) {
            in_time.set_result(is_writable);
        }
    };
    loop.add_writer(socket.fd(), [finish] { finish(true); });
    loop.call_later(limit, [finish] { finish(false); });
    bool is_writable = co_yield in_time;
    loop.forget(socket.fd());
    if (!is_writable) {
        throw std::runtime_error("timed out");
    }
    socket.finish_connect();
    co_return AsyncSocket(loop, std::move(socket));
}

// A host may have several addresses, and not all of them may answer: what is left of the time
// is shared by the addresses that are left.
Coroutine<AsyncSocket> connect_to_any(Crawler& crawler, Clock::time_point deadline) {
    std::size_t i = crawler.working_endpoint;
    for (std::size_t left = crawler.endpoints.size();; --left) {
        try {
            Clock::duration share = (deadline - Clock::now()) / static_cast<int>(left);
            AsyncSocket socket =
                co_yield elements_of(connect(crawler.loop, crawler.endpoints[i], share));
            crawler.working_endpoint = i;
            co_return socket;
        } catch (const std::runtime_error&) { // std::system_error is one, too
            if (left == 1) {
                throw;
            }
        }
        i = (i + 1) % crawler.endpoints.size();
    }
}

// Fetches one page. When its time is up the socket is shut down, so a recv that waits ends.
Coroutine<ResponseParser> fetch(Crawler& crawler, Url url) {
    Clock::time_point deadline = Clock::now() + crawler.options.timeout;
    AsyncSocket connected = co_yield elements_of(connect_to_any(crawler, deadline));
    auto socket = std::make_shared<AsyncSocket>(std::move(connected));
    crawler.loop.call_later(deadline - Clock::now(), [weak = std::weak_ptr(socket)] {
        if (auto late = weak.lock()) { // the page has not ended before
            late->shutdown();
        }
    });
    co_yield socket->send_all(make_request(url));
    ResponseParser response(MAX_PAGE_BYTES);
    while (!response.done()) {
        std::string data = co_yield socket->recv(16 * 1024);
        if (Clock::now() >= deadline) {
            throw std::runtime_error("timed out");
        }
        if (data.empty()) {
            response.end_of_stream();
        } else {
            response.feed(data);
        }
    }
    if (response.error()) {
        throw std::runtime_error(*response.error());
    }
    co_return response;
}

void start_fetching(Crawler& crawler);

// One page, to its end, an error or its time limit.
Coroutine<void> fetch_page(Crawler& crawler, Page page) {
    try {
        ResponseParser response = co_yield elements_of(fetch(crawler, page.url));
        for (Page& found : crawler.crawl.fetched(page, response)) {
            crawler.to_fetch.push_back(std::move(found));
        }
    } catch (const std::exception& error) {
        crawler.crawl.failed(page, error.what());
    }
    --crawler.active;
    crawler.loop.call_soon([&crawler] { start_fetching(crawler); }); // not on our stack
}

// Starts as many Tasks as are allowed and needed.
void start_fetching(Crawler& crawler) {
    while (crawler.active < crawler.options.concurrency && !crawler.to_fetch.empty()) {
        Page page = std::move(crawler.to_fetch.front());
        crawler.to_fetch.pop_front();
        ++crawler.active;
        crawler.crawl.begin();
        create_task(fetch_page(crawler, std::move(page)));
    }
    if (crawler.active == 0 && !crawler.finished.done()) {
        crawler.finished.set_result();
    }
}

Coroutine<void> crawl_site(Crawler& crawler) {
    start_fetching(crawler);
    co_yield crawler.finished;
}

int main(int argc, char** argv) {
    try {
        CrawlOptions options = parse_crawl_options(argc, argv);
        EventLoop loop;
        // Asking a name server may block for seconds: Ctrl-C ends the program then.
        Crawler crawler{loop, options, resolve(options.start.host, options.start.port)};
        run(loop, crawl_site(crawler)); // returns early after Ctrl-C
        crawler.crawl.print_summary();
        return crawler.finished.done() ? crawler.crawl.status() : 1;
    } catch (const std::exception& error) {
        std::cerr << "crawler: " << error.what() << '\n';
        return 1;
    }
}
