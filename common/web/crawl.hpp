// What the crawlers of three stages share, so that only their waiting differs: the command
// line, which pages are known, and what is printed about each.
#pragma once

#include "common/web/http.hpp"
#include "common/web/url.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

struct CrawlOptions {
    Url start;
    std::size_t concurrency = 10;              // how many pages are fetched at once, at most
    std::size_t max_pages = 10000;             // no page is asked for when that many have been
    std::chrono::milliseconds timeout{10'000}; // for one page
    bool is_quiet = false;                     // no line for a page that was fetched
};

// Ends the program itself, as parse_server_options does: with status 2 after a wrong argument.
CrawlOptions parse_crawl_options(int argc, char** argv);

constexpr std::size_t MAX_PAGE_BYTES = 10 * 1024 * 1024;

// A page that is to be fetched.
struct Page {
    Url url;
    int redirects = 0; // how many redirects in a row have led here
};

// The state of a crawl. Each page goes in once and comes out through begin(), then
// fetched() or failed().
class Crawl {
  public:
    explicit Crawl(const CrawlOptions& options);

    // The page to begin with.
    Page start_page() const { return {options_.start, 0}; }

    // To be called around the fetching of a page: for the summary and the progress line.
    void begin();
    // A complete answer. Prints it and returns the pages it leads to that are new.
    std::vector<Page> fetched(const Page& page, const ResponseParser& response);
    // No answer, or none that makes sense.
    void failed(const Page& page, const std::string& reason);

    // What was left out, and "N URLs fetched in S seconds, achieved concurrency = C". Throws
    // std::runtime_error if anything could not be written.
    void print_summary();
    // The exit status: 0 if every page was fetched.
    int status() const { return failures_ == 0 ? 0 : 1; }

  private:
    void add_if_new(const Url& url, int redirects, std::vector<Page>& pages);
    void end();
    void show_progress() const;

    CrawlOptions options_;
    std::chrono::steady_clock::time_point start_;
    std::unordered_set<std::string> known_; // URLs, of this site only
    std::size_t active_ = 0;
    std::size_t most_active_ = 0;
    std::size_t fetched_ = 0;
    std::size_t failures_ = 0;
    std::size_t redirects_left_out_ = 0; // to other sites
    bool has_reached_max_pages_ = false;
    bool has_terminal_;
};
