#include "common/web/crawl.hpp"

#include "common/web/html.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace {

constexpr int MAX_REDIRECTS = 10; // in a row

constexpr const char* USAGE =
    "usage: crawler URL [--concurrency N] [--max-pages N] [--timeout SECONDS] [--quiet]\n"
    "  URL                where to start, as in http://127.0.0.1:8000/; it stays on that host\n"
    "  --concurrency N    how many pages to fetch at once (10)\n"
    "  --max-pages N      how many pages to ask for at most (10000)\n"
    "  --timeout SECONDS  how long one page may take (10)\n"
    "  --quiet            print failures and the summary only\n"
    "  --help             this text\n";

[[noreturn]] void exit_with_usage(const std::string& problem) {
    std::cerr << "crawler: " << problem << '\n' << USAGE;
    std::exit(2);
}

[[noreturn]] void exit_with_bad_value(const std::string& option, const std::string& value) {
    exit_with_usage("'" + value + "' is not a valid value for " + option);
}

std::size_t parse_count(const std::string& option, const std::string& value) {
    std::size_t count = 0;
    const char* end = value.data() + value.size();
    auto [rest, error] = std::from_chars(value.data(), end, count);
    if (error != std::errc() || rest != end || count == 0) {
        exit_with_bad_value(option, value);
    }
    return count;
}

std::chrono::milliseconds parse_seconds(const std::string& option, const std::string& value) {
    char* end = nullptr;
    double seconds = std::strtod(value.c_str(), &end);
    bool is_number =
        value.find_first_not_of("0123456789.") == std::string::npos && // " 1", "0x1"
        !value.empty() && end == value.c_str() + value.size();
    if (!is_number || !(seconds > 0 && seconds <= 86'400)) { // at most a day
        exit_with_bad_value(option, value);
    }
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

Url parse_start(const std::string& text) {
    if (scheme_of(text) == "https") {
        exit_with_usage("https is not supported, only http: " + text);
    }
    std::optional<Url> url = parse_url(text);
    if (!url) {
        exit_with_usage("'" + text + "' is not an http URL");
    }
    return *url;
}

} // namespace

CrawlOptions parse_crawl_options(int argc, char** argv) {
    CrawlOptions options;
    std::optional<Url> start;
    for (int i = 1; i < argc; ++i) {
        std::string option = argv[i];
        if (option == "--help") {
            std::cout << USAGE;
            std::exit(0);
        }
        if (option == "--quiet") {
            options.is_quiet = true;
            continue;
        }
        if (!option.starts_with("-")) {
            if (start) {
                exit_with_usage("one URL, please, and not '" + option + "' as well");
            }
            start = parse_start(option);
            continue;
        }
        if (option != "--concurrency" && option != "--max-pages" && option != "--timeout") {
            exit_with_usage("unknown argument '" + option + "'");
        }
        if (i + 1 == argc) {
            exit_with_usage("a value is missing after " + option);
        }
        std::string value = argv[++i];
        if (option == "--concurrency") {
            options.concurrency = parse_count(option, value);
        } else if (option == "--max-pages") {
            options.max_pages = parse_count(option, value);
        } else {
            options.timeout = parse_seconds(option, value);
        }
    }
    if (!start) {
        exit_with_usage("a URL is missing");
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
    std::optional<std::string> location = response.location();
    std::optional<Url> target = location ? resolve(page.url, *location) : std::nullopt;
    if (target && page.redirects == MAX_REDIRECTS) {
        failed(page, "too many redirects");
        return {};
    }
    std::vector<Page> pages;
    std::string arrow;
    if (target) {
        arrow = " -> " + to_text(*target);
        add_if_new(*target, page.redirects + 1, pages);
    } else if (response.is_html() && response.status() == 200) {
        for (const Url& url : links_of(response.body(), page.url)) {
            add_if_new(url, 0, pages);
        }
    }
    ++fetched_;
    bool is_failure = response.status() >= 400;
    failures_ += is_failure ? 1 : 0;
    if (!options_.is_quiet || is_failure) {
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
    if (!is_same_site(url, options_.start) || known_.size() == options_.max_pages) {
        return;
    }
    if (known_.insert(to_text(url)).second) {
        pages.push_back({url, redirects});
    }
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
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    std::printf("%zu URLs fetched in %.1f seconds, achieved concurrency = %zu\n", fetched_,
                taken.count(), most_active_);
}
