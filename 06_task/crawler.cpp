// A web crawler with generators and Tasks: a Task for each page, as many at once
// as are allowed.
#include "async_socket.hpp"
#include "run.hpp"

#include "common/socket.hpp"
#include "common/web/crawl.hpp"
#include "common/web/http.hpp"

#include <cstddef>
#include <deque>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

struct Crawler {
    CrawlOptions options;
    std::vector<Endpoint> endpoints;
    Crawl crawl{options};
    std::deque<Page> to_fetch{crawl.start_page()};
    std::size_t active = 0; // Tasks that fetch a page
};

// A host may have several addresses, and not all of them may answer.
Coroutine<AsyncSocket> connect_to_any(const std::vector<Endpoint>& endpoints) {
    for (std::size_t i = 0;; ++i) {
        try {
            co_return co_yield AsyncSocket::connect(EventLoop::running(), endpoints[i]);
        } catch (const std::system_error&) {
            if (i + 1 == endpoints.size()) {
                throw;
            }
        }
    }
}

Coroutine<std::string> read(AsyncSocket socket) {
    co_return co_yield socket.recv(16 * 1024);
}

Coroutine<ResponseParser> read_all(AsyncSocket socket) {
    ResponseParser response(MAX_PAGE_BYTES);
    while (!response.done()) {
        std::string data = co_yield read(socket);
        if (data.empty()) {
            response.end_of_stream();
        } else {
            response.feed(data);
        }
    }
    co_return response;
}

// Fetches one page, over a connection of its own. The generators that it yields run on the
// Task's stack, one above the other: fetch, read_all, read.
Coroutine<ResponseParser> fetch(Crawler& crawler, Url url) {
    AsyncSocket socket = co_yield connect_to_any(crawler.endpoints);
    co_yield socket.send_all(make_request(url));
    ResponseParser response = co_yield read_all(socket);
    if (response.error()) {
        throw std::runtime_error(*response.error());
    }
    co_return response;
}

void start_fetching(Crawler& crawler, Future<void> finished);

// One page from beginning to end. The time limit cancels the Task that fetches.
Coroutine<void> fetch_page(Crawler& crawler, Page page, Future<void> finished) {
    Task<ResponseParser> fetching = create_task(fetch(crawler, page.url));
    bool has_timed_out = false;
    Handle timeout =
        EventLoop::running().call_later(crawler.options.timeout, [&has_timed_out, fetching] {
            has_timed_out = fetching.cancel();
        });
    int cancel_requests = TaskBase::current()->cancelling();
    try {
        ResponseParser response = co_yield fetching;
        for (Page& found : crawler.crawl.fetched(page, response)) {
            crawler.to_fetch.push_back(std::move(found));
        }
    } catch (const std::exception& error) {
        crawler.crawl.failed(page, error.what());
    } catch (const CancelledError&) {
        timeout.cancel();
        if (!has_timed_out || TaskBase::current()->cancelling() > cancel_requests) {
            throw; // Ctrl-C
        }
        crawler.crawl.failed(page, "timed out");
    }
    timeout.cancel();
    --crawler.active;
    start_fetching(crawler, finished);
}

// Starts as many Tasks as are allowed and needed.
void start_fetching(Crawler& crawler, Future<void> finished) {
    while (crawler.active < crawler.options.concurrency && !crawler.to_fetch.empty()) {
        Page page = std::move(crawler.to_fetch.front());
        crawler.to_fetch.pop_front();
        ++crawler.active;
        crawler.crawl.begin();
        create_task(fetch_page(crawler, std::move(page), finished));
    }
    if (crawler.active == 0 && !finished.done()) {
        finished.set_result();
    }
}

Coroutine<void> crawl_site(Crawler& crawler, bool& has_finished) {
    Future<void> finished(EventLoop::running());
    start_fetching(crawler, finished);
    co_yield finished;
    has_finished = true;
}

int main(int argc, char** argv) {
    try {
        CrawlOptions options = parse_crawl_options(argc, argv);
        // Asking a name server may block for seconds. Here nobody else has to wait for it yet.
        Crawler crawler{options, resolve(options.start.host, options.start.port)};
        bool has_finished = false;
        EventLoop loop;
        run(loop, crawl_site(crawler, has_finished)); // returns early after Ctrl-C
        crawler.crawl.print_summary();
        return has_finished ? crawler.crawl.status() : 1;
    } catch (const std::exception& error) {
        std::cerr << "crawler: " << error.what() << '\n';
        return 1;
    }
}
