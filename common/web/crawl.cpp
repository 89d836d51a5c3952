#include "common/web/crawl.hpp"

#include "common/command_line.hpp"
#include "common/web/html.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace {

constexpr int MAX_REDIRECTS = 10; // in a row

constexpr const char* USAGE =
    "usage: crawler URL [--concurrency N] [--max-pages N] [--timeout SECONDS] [--quiet]\n"
    "  URL                where to start, as in http://127.0.0.1:8000/; it stays on that host\n"
    "  --concurrency N    how many pages to fetch at once (10)\n"
    "  --max-pages N      how many pages to ask for at most (10000)\n"
    "  --timeout SECONDS  how long one page may take (10)\n"
    "  --quiet            print the summary, and only what could not be fetched or followed\n"
    "  --help             this text\n";

[[noreturn]] void fail_for_value(const Arguments& arguments, const std::string& option,
                                 const std::string& value) {
    arguments.fail("'" + value + "' is not a valid value for " + option);
}

std::size_t parse_count(Arguments& arguments, const std::string& option) {
    std::string value = arguments.value_of(option);
    std::size_t count = 0;
    const char* end = value.data() + value.size();
    auto [rest, error] = std::from_chars(value.data(), end, count);
    if (error != std::errc() || rest != end || count == 0) {
        fail_for_value(arguments, option, value);
    }
    return count;
}

std::chrono::milliseconds parse_seconds(Arguments& arguments, const std::string& option) {
    std::string value = arguments.value_of(option);
    char* end = nullptr;
    double seconds = std::strtod(value.c_str(), &end);
    bool is_number =
        value.find_first_not_of("0123456789.") == std::string::npos && // " 1", "0x1"
        !value.empty() && end == value.c_str() + value.size();
    if (!is_number || !(seconds > 0 && seconds <= 86'400)) { // at most a day
        fail_for_value(arguments, option, value);
    }
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

Url parse_start(const Arguments& arguments, const std::string& text) {
    if (scheme_of(text) == "https") {
        arguments.fail("https is not supported, only http: " + text);
    }
    std::optional<Url> url = parse_url(text);
    if (!url) {
        arguments.fail("'" + text + "' is not an http URL");
    }
    return *url;
}

} // namespace

CrawlOptions parse_crawl_options(int argc, char** argv) {
    CrawlOptions options;
    std::optional<Url> start;
    Arguments arguments(argc, argv, "crawler", USAGE);
    while (std::optional<std::string> argument = arguments.next()) {
        if (*argument == "--quiet") {
            options.is_quiet = true;
        } else if (*argument == "--concurrency") {
            options.concurrency = parse_count(arguments, *argument);
        } else if (*argument == "--max-pages") {
            options.max_pages = parse_count(arguments, *argument);
        } else if (*argument == "--timeout") {
            options.timeout = parse_seconds(arguments, *argument);
        } else if (argument->starts_with("-")) {
            arguments.fail("unknown argument '" + *argument + "'");
        } else if (start) {
            arguments.fail("one URL, please, and not '" + *argument + "' as well");
        } else {
            start = parse_start(arguments, *argument);
        }
    }
    if (!start) {
        arguments.fail("a URL is missing");
    }
    options.start = *start;
    return options;
}

Crawl::Crawl(const CrawlOptions& options)
    : options_(options),
      start_(std::chrono::steady_clock::now()), known_{to_text(options.start)},
      has_terminal_(::isatty(STDERR_FILENO) == 1) {}

void Crawl::begin() {
    ++active_;
    most_active_ = std::max(most_active_, active_);
}

void Crawl::end() {
    --active_;
    show_progress();
}

std::vector<Page> Crawl::fetched(const Page& page, const ResponseParser& response) {
    if (response.is_page() && response.is_encoded() && !response.body().empty()) {
        failed(page, "unknown Content-Encoding " + *response.header("content-encoding"));
        return {};
    }
    std::optional<std::string> location = response.location();
    std::optional<Url> target = location ? resolve(page.url, *location) : std::nullopt;
    bool leads_here = target && is_same_site(*target, options_.start);
    if (leads_here && page.redirects == MAX_REDIRECTS) {
        failed(page, "too many redirects");
        return {};
    }
    std::vector<Page> pages;
    std::string arrow;
    if (leads_here) {
        arrow = " -> " + to_text(*target);
        add_if_new(*target, page.redirects + 1, pages);
    } else if (location) {
        arrow = " -> " +
                (target ? to_text(*target) : resolve_reference(to_text(page.url), *location)) +
                " (not followed)";
        ++redirects_left_out_;
    } else if (response.is_page()) {
        for (const Url& url : links_of(response.body(), page.url)) {
            add_if_new(url, 0, pages);
        }
    }
    ++fetched_;
    bool is_failure = response.status() >= 400;
    failures_ += is_failure ? 1 : 0;
    bool is_left_out = location && !leads_here;
    if (!options_.is_quiet || is_failure || is_left_out) {
        std::cout << std::to_string(response.status()) + " " +
                         std::to_string(response.body().size()) + " " + to_text(page.url) +
                         arrow + "\n"
                  << std::flush;
    }
    end();
    return pages;
}

void Crawl::failed(const Page& page, const std::string& reason) {
    ++failures_;
    std::cout << "failed " + to_text(page.url) + ": " + reason + "\n" << std::flush;
    end();
}

void Crawl::add_if_new(const Url& url, int redirects, std::vector<Page>& pages) {
    if (!is_same_site(url, options_.start)) {
        return;
    }
    std::string text = to_text(url);
    if (known_.contains(text)) {
        return;
    }
    if (known_.size() == options_.max_pages) {
        has_reached_max_pages_ = true;
        return;
    }
    known_.insert(std::move(text));
    pages.push_back({url, redirects});
}

void Crawl::show_progress() const {
    if (has_terminal_) {
        std::cerr << "\r\033[K" << fetched_ << " pages fetched, " << known_.size() << " known, "
                  << active_ << " under way" << std::flush;
    }
}

void Crawl::print_summary() {
    if (has_terminal_) {
        std::cerr << "\r\033[K";
    }
    if (redirects_left_out_ > 0) {
        std::cout << "redirects to other sites, not followed: " << redirects_left_out_ << '\n';
    }
    if (has_reached_max_pages_) {
        std::cout << "reached --max-pages " << options_.max_pages << ": there are more\n";
    }
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    std::cout << fetched_ << " URLs fetched in " << std::fixed << std::setprecision(1)
              << taken.count() << " seconds, achieved concurrency = " << most_active_ << '\n'
              << std::flush;
    if (!std::cout) {
        throw std::runtime_error("cannot write to standard output");
    }
}
