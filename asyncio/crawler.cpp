// A web crawler with coroutines: a queue of pages, a fixed number of workers, and a time limit
// for each page.
#include "async_socket.hpp"
#include "gather.hpp"
#include "queue.hpp"
#include "run.hpp"
#include "timeout.hpp"

#include "common/socket.hpp"
#include "common/web/crawl.hpp"
#include "common/web/http.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

// What all workers use. It lives in main(): even when Ctrl-C ends crawl_site early, the workers
// are still there for a moment.
struct Crawler {
    CrawlOptions options;
    std::vector<Endpoint> endpoints;
    Crawl crawl{options};
    Queue<Page> queue{}; // pages that are to be fetched
    bool has_finished = false;
};

// A host may have several addresses, and not all of them may answer.
Coroutine<AsyncSocket> connect_to_any(const std::vector<Endpoint>& endpoints) {
    for (std::size_t i = 0;; ++i) {
        try {
            co_return co_await AsyncSocket::connect(endpoints[i]);
        } catch (const std::system_error&) {
            if (i + 1 == endpoints.size()) {
                throw;
            }
        }
    }
}

// Fetches one page, over a connection of its own.
Coroutine<ResponseParser> fetch(Crawler& crawler, Url url) {
    AsyncSocket socket = co_await connect_to_any(crawler.endpoints);
    std::string request = make_request(url);
    co_await socket.send_all(request);
    ResponseParser response(MAX_PAGE_BYTES);
    while (!response.done()) {
        std::string data = co_await socket.recv(16 * 1024);
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

// Fetches one page after another, until it is cancelled.
Coroutine<void> work(Crawler& crawler) {
    while (true) {
        Page page = co_await crawler.queue.get();
        crawler.crawl.begin();
        try {
            ResponseParser response =
                co_await wait_for(fetch(crawler, page.url), crawler.options.timeout);
            for (Page& found : crawler.crawl.fetched(page, response)) {
                crawler.queue.put_nowait(std::move(found));
            }
        } catch (const std::exception& error) {
            crawler.crawl.failed(page, error.what());
        }
        crawler.queue.task_done();
    }
}

Coroutine<void> crawl_site(Crawler& crawler) {
    crawler.queue.put_nowait(crawler.crawl.start_page());
    std::vector<Future<void>> workers;
    std::size_t count = std::min(crawler.options.concurrency, crawler.options.max_pages);
    for (std::size_t i = 0; i < count; ++i) {
        workers.push_back(create_task(work(crawler)));
    }
    co_await crawler.queue.join(); // until every page that was put in is done
    for (const Future<void>& worker : workers) {
        worker.cancel();
    }
    co_await gather(return_exceptions, workers);
    crawler.has_finished = true;
}

int main(int argc, char** argv) {
    try {
        CrawlOptions options = parse_crawl_options(argc, argv);
        // Asking a name server may block for seconds. Here nobody else has to wait for it yet.
        Crawler crawler{options, resolve(options.start.host, options.start.port)};
        EventLoop loop;
        run(loop, crawl_site(crawler)); // returns early after Ctrl-C
        crawler.crawl.print_summary();
        return crawler.has_finished ? crawler.crawl.status() : 1;
    } catch (const std::exception& error) {
        std::cerr << "crawler: " << error.what() << '\n';
        return 1;
    }
}
