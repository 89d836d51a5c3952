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
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

struct Crawler {
    EventLoop& loop;
    CrawlOptions options;
    std::vector<Endpoint> endpoints;
    Crawl crawl{options};
    std::deque<Page> to_fetch{crawl.start_page()};
    std::size_t active = 0; // Tasks that fetch a page
    Future<void> finished{loop};
};

// A host may have several addresses, and not all of them may answer.
Coroutine<AsyncSocket> connect_to_any(Crawler& crawler) {
    for (std::size_t i = 0;; ++i) {
        try {
            co_return co_yield AsyncSocket::connect(crawler.loop, crawler.endpoints[i]);
        } catch (const std::system_error&) {
            if (i + 1 == crawler.endpoints.size()) {
                throw;
            }
        }
    }
}

Coroutine<ResponseParser> read_all(AsyncSocket socket) {
    ResponseParser response(MAX_PAGE_BYTES);
    while (!response.done()) {
        std::string data = co_yield socket.recv(16 * 1024);
        if (data.empty()) {
            response.end_of_stream();
        } else {
            response.feed(data);
        }
    }
    co_return response;
}

// The page, an error or the time limit: the first of them counts.
void fail(const Future<ResponseParser>& fetched, std::exception_ptr error) {
    if (!fetched.done()) {
        fetched.set_exception(error);
    }
}

// Fetches one page. The connection ends when `fetched` is done, whatever the reason.
Coroutine<void> fetch(Crawler& crawler, Url url, Future<ResponseParser> fetched) {
    try {
        AsyncSocket socket = co_yield elements_of(connect_to_any(crawler));
        fetched.add_done_callback([socket](auto&) { socket.shutdown(); }); // ends a recv
        co_yield socket.send_all(make_request(url));
        ResponseParser response = co_yield elements_of(read_all(socket));
        if (response.error()) {
            throw std::runtime_error(*response.error());
        }
        if (!fetched.done()) {
            fetched.set_result(std::move(response));
        }
    } catch (const std::exception&) {
        fail(fetched, std::current_exception());
    }
}

void start_fetching(Crawler& crawler);

// One page, to its end or time limit. Another Task fetches it: no time limit ends a connect.
Coroutine<void> fetch_page(Crawler& crawler, Page page) {
    Future<ResponseParser> fetched(crawler.loop);
    create_task(fetch(crawler, page.url, fetched));
    crawler.loop.call_later(crawler.options.timeout, [fetched] {
        fail(fetched, std::make_exception_ptr(std::runtime_error("timed out")));
    });
    try {
        // Moved: the timer keeps the Future until its time has come.
        ResponseParser response = std::move(co_yield fetched);
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
