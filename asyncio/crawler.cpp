// A web crawler with coroutines: a queue of pages, workers, and a time limit for each page.
#include "async_socket.hpp"
#include "gather.hpp"
#include "queue.hpp"
#include "run.hpp"
#include "timeout.hpp"

#include "common/socket.hpp"
#include "common/web/crawl.hpp"
#include "common/web/http.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// What all workers use. It lives in main(): even when Ctrl-C ends crawl_site early, the workers
// are still there for a moment.
struct Crawler {
    CrawlOptions options;
    std::vector<Endpoint> endpoints;
    std::size_t working_endpoint = 0; // the last one that answered
    Crawl crawl{options};
    Queue<Page> queue{}; // pages that are to be fetched
    std::vector<Future<void>> workers{};
    bool has_finished = false;
};

// A host may have several addresses, and not all of them may answer: what is left of the time
// is shared by the addresses that are left.
Coroutine<AsyncSocket> connect_to_any(Crawler& crawler) {
    auto deadline = std::chrono::steady_clock::now() + crawler.options.timeout;
    std::size_t i = crawler.working_endpoint;
    for (std::size_t left = crawler.endpoints.size();; --left) {
        try {
            Delay share = (deadline - std::chrono::steady_clock::now()) / double(left);
            AsyncSocket socket =
                co_await wait_for(AsyncSocket::connect(crawler.endpoints[i]), share);
            crawler.working_endpoint = i;
            co_return socket;
        } catch (const std::runtime_error&) { // a std::system_error, or TimeoutError
            if (left == 1) {
                throw;
            }
        }
        i = (i + 1) % crawler.endpoints.size();
    }
}

// Fetches one page, over a connection of its own.
Coroutine<ResponseParser> fetch(Crawler& crawler, Url url) {
    AsyncSocket socket = co_await connect_to_any(crawler);
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

void add_page(Crawler& crawler, Page page);

// Fetches one page after another, until it is cancelled.
Coroutine<void> work(Crawler& crawler) {
    while (true) {
        Page page = co_await crawler.queue.get();
        crawler.crawl.begin();
        try {
            ResponseParser response =
                co_await wait_for(fetch(crawler, page.url), crawler.options.timeout);
            for (Page& found : crawler.crawl.fetched(page, response)) {
                add_page(crawler, std::move(found));
            }
        } catch (const std::exception& error) {
            crawler.crawl.failed(page, error.what());
        }
        crawler.queue.task_done();
    }
}

// With each page comes a worker, until there are enough.
void add_page(Crawler& crawler, Page page) {
    crawler.queue.put_nowait(std::move(page));
    if (crawler.workers.size() < crawler.options.concurrency) {
        crawler.workers.push_back(create_task(work(crawler)));
    }
}

Coroutine<void> crawl_site(Crawler& crawler) {
    add_page(crawler, crawler.crawl.start_page());
    co_await crawler.queue.join(); // until every page that was put in is done
    for (const Future<void>& worker : crawler.workers) {
        worker.cancel();
    }
    co_await gather(return_exceptions, crawler.workers);
    crawler.has_finished = true;
}

int main(int argc, char** argv) {
    try {
        CrawlOptions options = parse_crawl_options(argc, argv);
        // Asking a name server may block for seconds. Here no other task has to wait for it yet.
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
