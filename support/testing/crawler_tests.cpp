// What a user sees of a crawler, whichever stage it is: this program plays a web site and lets
// the crawler loose on it. All crawlers have to find the same pages, so they agree with each
// other.
//
//     crawler_tests --crawler=build/07_coroutines/crawler [--patience=SECONDS]
//
// and the options of doctest: --test-case=NAME, --help.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "common/socket.hpp"
#include "support/testing/server_process.hpp"
#include "support/testing/web_site.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

using Strings = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

std::string crawler_program; // --crawler

// ---- running the crawler --------------------------------------------------------------------

// The last line: "12 URLs fetched in 0.3 seconds, achieved concurrency = 10", and those before
// it that say what was left out.
struct Summary {
    std::size_t pages = 0;
    double seconds = 0;
    std::size_t concurrency = 0;
    std::size_t redirects_left_out = 0;
    std::size_t max_pages = 0; // if there were more
};

struct Result {
    Ending ending{};
    Strings lines; // of standard output, sorted, without the summary
    Summary summary;
    std::string errors; // standard error
};

Summary parse_summary(const std::string& line) {
    Summary summary;
    std::istringstream text(line);
    std::string urls, fetched, in, seconds, achieved, concurrency, equals, rest;
    text >> summary.pages >> urls >> fetched >> in >> summary.seconds >> seconds >> achieved >>
        concurrency >> equals >> summary.concurrency;
    bool is_summary = !text.fail() && !(text >> rest) &&
                      urls + fetched + in == "URLsfetchedin" && seconds == "seconds," &&
                      achieved + concurrency + equals == "achievedconcurrency=";
    CHECK_MESSAGE(is_summary, "not a summary: ", line);
    return summary;
}

// Takes the last line away if it begins with `start` and a number, which is returned.
std::size_t take_number(Strings& lines, const std::string& start) {
    if (lines.empty() || !lines.back().starts_with(start)) {
        return 0;
    }
    std::size_t number = std::stoul(lines.back().substr(start.size()));
    lines.pop_back();
    return number;
}

// Takes the output of the crawler apart.
Result make_result(const Ending& ending, const std::string& output, const std::string& errors) {
    Result result;
    result.ending = ending;
    result.errors = errors;
    CHECK(ending.signal == 0);
    CHECK(output.ends_with('\n'));
    std::istringstream text(output);
    for (std::string line; std::getline(text, line);) {
        result.lines.push_back(line);
    }
    REQUIRE_MESSAGE(!result.lines.empty(), "no output, but: ", errors);
    result.summary = parse_summary(result.lines.back());
    result.lines.pop_back();
    result.summary.max_pages = take_number(result.lines, "reached --max-pages ");
    result.summary.redirects_left_out =
        take_number(result.lines, "redirects to other sites, not followed: ");
    std::sort(result.lines.begin(), result.lines.end());
    return result;
}

Result crawl(const std::string& url, Strings options = {}) {
    options.insert(options.begin(), url);
    Finished run = run_program(crawler_program, options);
    CHECK(run.errors == ""); // no terminal, no progress line
    return make_result(run.ending, run.output, run.errors);
}

// A crawler that runs beside the test.
class RunningCrawler {
  public:
    explicit RunningCrawler(Strings arguments) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        output_ = Descriptor(ends[0]);
        Descriptor writing_end(ends[1]);
        arguments.insert(arguments.begin(), crawler_program);
        std::vector<char*> argv;
        for (std::string& argument : arguments) {
            argv.push_back(argument.data());
        }
        argv.push_back(nullptr);
        pid_t pid = ::fork();
        REQUIRE(pid != -1);
        if (pid == 0) { // from here on only what is safe in a signal handler
            ::dup2(writing_end.get(), STDOUT_FILENO);
            ::close(ends[0]);
            ::close(ends[1]);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        child_ = Child(pid);
    }

    void signal(int number) { ::kill(child_.pid(), number); }

    // Reads its output until `text` is in it.
    void wait_for_output(const std::string& text) {
        while (output_text_.find(text) == std::string::npos) {
            REQUIRE_MESSAGE(read_some(), "the crawler has ended without '", text, "'");
        }
    }

    Ending wait_for_end() {
        while (read_some()) {
        }
        return child_.reap();
    }

    Result wait() {
        Ending ending = wait_for_end();
        return make_result(ending, output_text_, "");
    }

  private:
    // False: it has ended.
    bool read_some() {
        REQUIRE_MESSAGE(wait_for(output_.get(), POLLIN, patience),
                        "the crawler is stuck after ", output_text_);
        std::array<char, 4096> buffer;
        ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
        if (count > 0) {
            output_text_.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return count > 0 || (count == -1 && errno == EINTR);
    }

    Child child_;
    Descriptor output_;
    std::string output_text_;
};

// ---- a site and what has to come of it ------------------------------------------------------

// A site together with the lines that a crawler has to print about it.
class TestSite {
  public:
    explicit TestSite(const std::string& host = "127.0.0.1") : server_(host) {}

    WebSite& server() { return server_; }
    std::string url(const std::string& target) const { return server_.url(target); }
    const Strings& expected() const { return expected_; }
    std::size_t answers() const { return answers_; } // of the expected lines
    std::size_t redirects_left_out() const { return redirects_left_out_; }

    // A page that has to be fetched; the size is that of its body.
    void page(const std::string& target, Reply page_reply, int status, std::size_t size) {
        server_.add(target, std::move(page_reply));
        expect(std::to_string(status) + " " + std::to_string(size) + " " + url(target));
        targets_.push_back(target);
        ++answers_;
    }

    void html_page(const std::string& target, const std::string& body) {
        page(target, html(body), 200, body.size());
    }

    // A page without links to anywhere.
    void leaf(const std::string& target) { html_page(target, "<p>" + target); }

    void text_page(const std::string& target, const std::string& type,
                   const std::string& body) {
        page(target, reply("200 OK", type, body), 200, body.size());
    }

    // A redirect that is shown with where it leads: a URL, or a target on this site.
    void redirect_to(const std::string& target, const std::string& status,
                     const std::string& location, const std::string& where) {
        page(target, redirect(status, location), std::stoi(status), 0);
        expected_.back() += " -> " + (where.starts_with('/') ? url(where) : where);
    }

    // A redirect to another site, which is `where`.
    void redirect_elsewhere(const std::string& target, const std::string& status,
                            const std::string& location, const std::string& where) {
        redirect_to(target, status, location, where);
        expected_.back() += " (not followed)";
        ++redirects_left_out_;
    }

    // A page that cannot be fetched. No reason: it is the system's, in its words.
    void bad_page(const std::string& target, Reply page_reply, const std::string& reason = "") {
        server_.add(target, std::move(page_reply));
        expect("failed " + url(target) + ":" + (reason.empty() ? "" : " " + reason));
        targets_.push_back(target);
    }

    void check(const Result& result) const {
        Strings lines = result.lines;
        for (std::string& line : lines) {
            line = without_open_reason(line);
        }
        Strings expected = expected_;
        std::sort(lines.begin(), lines.end());
        std::sort(expected.begin(), expected.end());
        check_same(lines, expected);
        check_requests();
        CHECK(result.summary.pages == answers_);
        CHECK(result.summary.redirects_left_out == redirects_left_out_);
    }

    // Every page once, and nothing else.
    void check_requests() const {
        Strings requested;
        for (const auto& [target, count] : server_.requests()) {
            requested.insert(requested.end(), static_cast<std::size_t>(count), target);
        }
        Strings expected = targets_;
        std::sort(expected.begin(), expected.end());
        check_same(requested, expected);
        CHECK(server_.complaints() == Strings{});
    }

  private:
    void expect(const std::string& line) { expected_.push_back(line); }

    // The reason of a failure is left out where we do not know the words, but there has
    // to be one.
    std::string without_open_reason(const std::string& line) const {
        for (const std::string& expected : expected_) {
            if (expected.starts_with("failed ") && expected.ends_with(':') &&
                line.starts_with(expected + " ") && line.size() > expected.size() + 1) {
                return expected;
            }
        }
        return line;
    }

    // Both sorted. Says what is missing and what is too much, not all there is.
    static void check_same(const Strings& found, const Strings& expected) {
        Strings missing;
        Strings unexpected;
        std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(),
                            std::back_inserter(missing));
        std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                            std::back_inserter(unexpected));
        for (const std::string& line : missing) {
            FAIL_CHECK("missing: ", line);
        }
        for (const std::string& line : unexpected) {
            FAIL_CHECK("unexpected: ", line);
        }
    }

    WebSite server_;
    Strings targets_;
    Strings expected_;
    std::size_t answers_ = 0;
    std::size_t redirects_left_out_ = 0;
};

Reply raw(const std::string& text, Reply::End end = Reply::End::close) {
    Reply result;
    result.text = text;
    result.end = end;
    return result;
}

std::string link_to(const std::string& reference) {
    return "<a href=\"" + reference + "\">link</a>\n";
}

const std::string HTML_HEADER = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";

// ---- the parts of a large site; each returns the HTML that leads to it ----------------------

std::string add_links(TestSite& site) {
    for (const char* target :
         {"/a/relative.html", "/a/rooted.html", "/a/absolute.html", "/a/no-scheme.html",
          "/a/upper.html", "/a/single.html", "/a/unquoted.html", "/a/dots.html",
          "/a/encoded.html", "/a/with%20space.html", "/a/%C3%BC.html", "/search",
          "/search?q=1&r=2", "/search?q=2", "/a/", "/a", "/A"}) {
        site.leaf(target);
    }
    const std::string& authority = site.server().authority();
    return link_to("a/relative.html") + link_to("/a/rooted.html") +
           link_to("http://" + authority + "/a/absolute.html") +
           link_to("HTTP://" + authority + "/a/absolute.html#again") +
           link_to("//" + authority + "/a/no-scheme.html") +
           "<A CLASS=x HREF='/a/upper.html'><a\nhref\n=\n'/a/single.html' >"
           "<a href=/a/unquoted.html>" +
           link_to("a/./b/../../a/dots.html") + link_to("%61/%65ncoded.html") +
           link_to("a/encoded.html") + link_to("a/relative.html#part") +
           link_to(" a/with space.html\n") + link_to("a/\xc3\xbc.html") + link_to("search") +
           link_to("/search?q=1&amp;r=2#x") + link_to("?") + link_to("search?q=2") +
           link_to("a/") + link_to("a") + link_to("A") + link_to("") + link_to("#top") +
           link_to("./") + link_to("../..");
}

// To be asked for would be a mistake: for each of these there is nothing expected.
std::string add_traps(TestSite& site, const WebSite& other) {
    std::string port = std::to_string(site.server().port());
    site.text_page("/notes.txt", "text/plain", link_to("/trap/text"));
    site.text_page("/script.js", "text/javascript", "'" + link_to("/trap/js") + "'");
    site.text_page("/data.json", "application/json", link_to("/trap/json"));
    site.text_page("/image.png", "image/png",
                   std::string("\x89PNG\0\r\n\x1a\n", 9) + "<a href=no>");
    std::string untyped = link_to("/trap/untyped");
    site.page("/untyped", raw("HTTP/1.1 200 OK\r\n\r\n" + untyped), 200, untyped.size());
    site.text_page("/style.css", "text/css", "a { content: '<a href=/trap/css>' }");
    return "<!-- " + link_to("/trap/comment") + " --><script>'" + link_to("/trap/script") +
           "'</script><style>" + link_to("/trap/style") + "</style><title>" +
           link_to("/trap/title") + "</title>" +
           link_to("https://127.0.0.1:" + port + "/trap/s") +
           link_to("http://localhost:" + port + "/trap/localhost") +
           link_to(other.url("/trap")) + link_to("//" + other.authority() + "/trap") +
           link_to("http://user@127.0.0.1:" + port + "/trap/user") +
           link_to("http://127.0.0.1:99999/") + link_to("mailto:a@b.example") +
           link_to("javascript:alert('/trap')") + link_to("tel:1") +
           link_to("ftp://127.0.0.1/") + link_to("data:text/html,/trap") + link_to("http:") +
           link_to("//") + "<p title='href=/trap/title' data-href=/trap/data>" +
           link_to("notes.txt") + link_to("data.json") + link_to("untyped") +
           "<script src=script.js></script><img src='image.png'>"
           "<link rel=stylesheet href='style.css'>";
}

std::string add_redirects(TestSite& site, const WebSite& other) {
    for (const char* target : {"/moved/301.html", "/moved/302.html", "/moved/303.html",
                               "/moved/307.html", "/moved/308.html"}) {
        site.leaf(target);
    }
    site.redirect_to("/r/301", "301", "../moved/301.html", "/moved/301.html");
    site.redirect_to("/r/302", "302", site.url("/moved/302.html#x"), "/moved/302.html");
    site.redirect_to("/r/303", "303", "/moved/303.html", "/moved/303.html");
    site.redirect_to("/r/307", "307", "/moved/307.html", "/moved/307.html");
    site.redirect_to("/r/308", "308", "//" + site.server().authority() + "/moved/308.html",
                     "/moved/308.html");
    site.redirect_to("/r/known", "302", "/", "/");
    site.redirect_to("/r/self", "302", "self", "/r/self");
    site.redirect_to("/r/loop1", "302", "loop2", "/r/loop2");
    site.redirect_to("/r/loop2", "302", "loop3", "/r/loop3");
    site.redirect_to("/r/loop3", "302", "loop1", "/r/loop1");
    site.redirect_elsewhere("/r/other", "302", other.url("/trap"), other.url("/trap"));
    site.redirect_elsewhere("/r/scheme", "301", "https://127.0.0.1/", "https://127.0.0.1/");
    site.redirect_elsewhere("/r/wrong", "301", "http:///x", "http:///x");
    site.page("/r/nowhere", raw("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), 302, 0);

    // 10 redirects in a row are right, 11 are too many.
    for (int i = 0; i < 10; ++i) {
        std::string number = std::to_string(i);
        std::string next = std::to_string(i + 1);
        site.redirect_to("/ten/" + number, "302", next, "/ten/" + next);
        site.redirect_to("/eleven/" + number, "302", next, "/eleven/" + next);
    }
    site.leaf("/ten/10");
    site.bad_page("/eleven/10", redirect("302", "11"), "too many redirects");

    std::string links;
    for (const char* name : {"301", "302", "303", "307", "308", "known", "self", "loop1",
                             "other", "scheme", "wrong", "nowhere"}) {
        links += link_to("/r/" + std::string(name));
    }
    return links + link_to("/ten/0") + link_to("/eleven/0");
}

// Answers that are unusual but right.
std::string add_odd_answers(TestSite& site) {
    site.html_page("/empty.html", "");
    site.page("/none", raw("HTTP/1.1 204 No Content\r\n\r\n"), 204, 0);
    site.page("/http10",
              raw("HTTP/1.0 200 OK\nContent-Type: TEXT/HTML\n\n" + link_to("/from/http10")),
              200, link_to("/from/http10").size());
    site.page("/interim", raw("HTTP/1.1 100 Continue\r\n\r\n" + html("interim").text), 200, 7);
    site.page("/xhtml", reply("200 OK", "application/xhtml+xml", link_to("/from/xhtml")), 200,
              link_to("/from/xhtml").size());
    std::string based = "<base href=/from/base/>" + link_to("leaf");
    site.html_page("/base.html", based);
    for (const char* target : {"/from/http10", "/from/xhtml", "/from/base/leaf", "/from/chunks",
                               "/from/slow", "/from/open"}) {
        site.leaf(target);
    }

    std::string chunked = HTML_HEADER + "Transfer-Encoding: chunked\r\n\r\n"
                                        "9;x=y\r\n<a href=\"\r\nd\r\n/from/chunks\"\r\n"
                                        "1\r\n>\r\n0\r\nTrailer: x\r\n\r\n";
    site.page("/chunks", raw(chunked), 200, 23);
    Reply slow = html(link_to("/from/slow"));
    std::size_t slow_size = link_to("/from/slow").size();
    slow.piece_bytes = 10;
    slow.pause = 10ms;
    site.page("/slow", slow, 200, slow_size);

    // These servers do not close the connection. The size says where the end is.
    Reply open = html(link_to("/from/open"));
    open.end = Reply::End::stay_open;
    site.page("/open", open, 200, link_to("/from/open").size());
    site.page("/open-chunks", raw(chunked, Reply::End::stay_open), 200, 23);

    std::string links;
    for (const char* target : {"/empty.html", "/none", "/http10", "/interim", "/xhtml",
                               "/base.html", "/chunks", "/slow", "/open", "/open-chunks"}) {
        links += link_to(target);
    }
    return links;
}

std::string add_failures(TestSite& site) {
    const std::string too_large = "page larger than 10485760 bytes";
    site.page("/404", reply("404 Not Found", "text/html", "not here"), 404, 8);
    site.page("/500", reply("500 Oops", "text/html", "broken"), 500, 6);
    site.bad_page("/short", raw(HTML_HEADER + "Content-Length: 100\r\n\r\n0123456789"),
                  "closed after 10 of 100 bytes");
    site.bad_page("/cut-header", raw(HTML_HEADER), "closed in the middle of the header");
    site.bad_page("/cut-chunk", raw(HTML_HEADER + "Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
                  "closed before the last chunk");
    site.bad_page("/nothing", raw(""), "closed without an answer");
    site.bad_page("/malformed", raw("hello\r\n"), "not an HTTP/1 answer");
    site.bad_page("/malformed-open", raw("hello\r\n", Reply::End::stay_open),
                  "not an HTTP/1 answer");
    site.bad_page("/two-lengths",
                  raw(HTML_HEADER + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
                  "malformed Content-Length");
    site.bad_page("/huge",
                  raw(HTML_HEADER + "Content-Length: 10485761\r\n\r\n", Reply::End::stay_open),
                  too_large);
    Reply endless = raw(HTML_HEADER + "\r\n");
    endless.repeated = std::string(100'000, 'x');
    site.bad_page("/endless", endless, too_large);
    Reply endless_chunks = raw(HTML_HEADER + "Transfer-Encoding: chunked\r\n\r\n");
    endless_chunks.repeated = "10000\r\n" + std::string(65536, 'x') + "\r\n";
    site.bad_page("/endless-chunks", endless_chunks, too_large);
    Reply endless_header = raw(HTML_HEADER);
    endless_header.repeated = "Name: value\r\n";
    site.bad_page("/endless-header", endless_header, "header larger than 65536 bytes");
    site.bad_page("/reset", raw("", Reply::End::reset));
    site.bad_page("/reset-later",
                  raw(HTML_HEADER + "Content-Length: 100\r\n\r\nabc", Reply::End::reset));

    std::string links;
    for (const char* target :
         {"/404", "/500", "/short", "/cut-header", "/cut-chunk", "/nothing", "/malformed",
          "/malformed-open", "/two-lengths", "/huge", "/endless", "/endless-chunks",
          "/endless-header", "/reset", "/reset-later"}) {
        links += link_to(target);
    }
    return links;
}

// Pages that link to each other and back, and a page with 10,000 links.
std::string add_cycles(TestSite& site) {
    site.html_page("/cycle/a.html", link_to("b.html") + link_to("/"));
    site.html_page("/cycle/b.html", link_to("c.html") + link_to("a.html"));
    site.html_page("/cycle/c.html",
                   link_to("a.html") + link_to("c.html") + link_to("../chain/0"));
    for (int i = 0; i < 50; ++i) {
        site.html_page("/chain/" + std::to_string(i),
                       i < 49 ? link_to(std::to_string(i + 1)) : link_to("/many.html"));
    }
    std::string many;
    for (int i = 0; i < 10'000; ++i) {
        many += link_to("many/" + std::to_string(i % 300) + "#" + std::to_string(i));
    }
    site.html_page("/many.html", many);
    for (int i = 0; i < 300; ++i) {
        site.leaf("/many/" + std::to_string(i));
    }
    return link_to("cycle/a.html");
}

// All of it.
void build_large_site(TestSite& site, const WebSite& other) {
    std::string links = add_links(site) + add_traps(site, other) + add_redirects(site, other) +
                        add_odd_answers(site) + add_failures(site) + add_cycles(site);
    site.leaf("/?"); // another page than "/", as RFC 3986 sees it
    site.html_page("/", "<!doctype html><html><body>" + links + "</body></html>");
}

// A start page with links to `count` pages, and those pages.
void build_flat_site(TestSite& site, std::size_t count, const Reply& each) {
    std::string links;
    for (std::size_t i = 0; i < count; ++i) {
        std::string target = "/" + std::to_string(i);
        site.page(target, each, 200, each.text.size() - each.text.find("\r\n\r\n") - 4);
        links += link_to(target);
    }
    site.html_page("/", links);
}

bool has_ipv6_loopback() {
    try {
        listen_on("::1", 0);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

bool can_connecting_hang() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::vector<Socket> queue = fill_queue(listener);
    return !wait_for(queue.back().fd(), POLLOUT, 100ms);
}

// The most memory that a process has used which has ended. In units of the system.
long peak_memory() {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_maxrss;
}

// The port of a server that is gone.
std::uint16_t unused_port() {
    WebSite gone;
    return gone.port();
}

void check_usage_error(const Strings& arguments, const std::string& message = "") {
    std::string what;
    for (const std::string& argument : arguments) {
        what += "'" + argument + "' ";
    }
    Finished run = run_program(crawler_program, arguments);
    INFO("arguments: ", what);
    INFO("standard error: ", run.errors);
    CHECK(run.ending.signal == 0);
    CHECK(run.ending.status == 2);
    CHECK(run.output.empty());
    CHECK(run.errors.starts_with("crawler: "));
    CHECK(run.errors.find(message) < run.errors.find('\n'));
    CHECK(run.errors.find("\nusage: crawler ") == run.errors.find('\n'));
}

} // namespace

// ---- what it finds --------------------------------------------------------------------------

TEST_CASE("every page of a large site is fetched once, and failures say what is wrong") {
    for (const char* concurrency : {"1", "10", "100"}) {
        CAPTURE(concurrency);
        TestSite site;
        WebSite other;
        build_large_site(site, other);
        Result result = crawl(site.url("/"), {"--concurrency", concurrency});
        site.check(result);
        CHECK(other.requests().empty());
        CHECK(result.ending.status == 1);
    }
}

TEST_CASE("the status is 0 if all pages could be fetched") {
    TestSite site;
    build_flat_site(site, 20, html("<p>x"));
    Result result = crawl(site.url("/"));
    site.check(result);
    CHECK(result.ending.status == 0);
}

TEST_CASE("a site may be one page") {
    TestSite site;
    site.leaf("/");
    Result result = crawl("http://" + site.server().authority() + "#top"); // without a path
    site.check(result);
    CHECK(result.ending.status == 0);
    CHECK(result.summary.concurrency == 1);
}

TEST_CASE("the start page may be deep within the site") {
    TestSite site;
    site.html_page("/docs/start.html?v=1", link_to("../") + link_to("next.html"));
    site.leaf("/docs/next.html");
    site.html_page("/", link_to("/docs/start.html?v=1"));
    Result result = crawl(site.url("/docs/./start.html?v=1"));
    site.check(result);
    CHECK(result.ending.status == 0);
}

TEST_CASE("the start page may be a redirect") {
    TestSite site;
    site.redirect_to("/", "301", "/index.html", "/index.html");
    site.html_page("/index.html", link_to("/"));
    Result result = crawl(site.url("/"));
    site.check(result);
    CHECK(result.ending.status == 0);
}

TEST_CASE("a redirect to another host is not followed") {
    TestSite site;
    WebSite other;
    site.redirect_elsewhere("/", "301", other.url("/"), other.url("/"));
    Result result = crawl(site.url("/"));
    site.check(result);
    CHECK(other.requests().empty());

    TestSite secure; // with --quiet, too: nothing else would tell what has happened
    secure.redirect_elsewhere("/", "301", "https://127.0.0.1/", "https://127.0.0.1/");
    secure.check(crawl(secure.url("/"), {"--quiet"}));
}

TEST_CASE("a start page that cannot be fetched gives status 1") {
    TestSite missing;
    missing.page("/", reply("404 Not Found", "text/html", "no"), 404, 2);
    Result result = crawl(missing.url("/"));
    missing.check(result);
    CHECK(result.ending.status == 1);

    TestSite malformed;
    malformed.bad_page("/", raw("hello\r\n"), "not an HTTP/1 answer");
    result = crawl(malformed.url("/"));
    malformed.check(result);
    CHECK(result.ending.status == 1);
}

TEST_CASE("a page that is compressed though this was not asked for is a failure") {
    TestSite site;
    std::string length = "Content-Length: 3\r\n";
    site.bad_page("/", raw(HTML_HEADER + length + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\b"),
                  "unknown Content-Encoding gzip");
    Result result = crawl(site.url("/"));
    site.check(result);
    CHECK(result.ending.status == 1);
}

TEST_CASE("a Content-Encoding matters only where a page has to be read") {
    TestSite site;
    std::string gzip = "Content-Encoding: gzip\r\n\r\n";
    site.redirect_to("/moved", "302", "/here\r\nContent-Encoding: gzip", "/here");
    site.leaf("/here");
    site.page("/a.tar.gz",
              raw("HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n" + gzip + "abc"), 200,
              3);
    site.page("/gone", raw("HTTP/1.1 404 Gone\r\nContent-Type: text/html\r\n" + gzip + "abc"),
              404, 3);
    site.page("/empty", raw(HTML_HEADER + gzip), 200, 0);
    std::string links =
        link_to("moved") + link_to("a.tar.gz") + link_to("gone") + link_to("empty");
    for (const std::string coding : {"none", "utf-8", "ISO-8859-1"}) {
        std::string leaf = link_to("/from/" + coding);
        site.page("/" + coding,
                  raw(HTML_HEADER + "Content-Encoding: " + coding + "\r\n\r\n" + leaf), 200,
                  leaf.size());
        site.leaf("/from/" + coding);
        links += link_to(coding);
    }
    site.html_page("/", links);
    site.check(crawl(site.url("/")));
}

TEST_CASE("the links of a page count with every status 2xx, and with no other") {
    TestSite site;
    std::string links;
    for (const std::string status : {"200", "201", "202", "203", "206", "226"}) {
        std::string leaf = link_to("/from/" + status);
        site.page("/" + status, reply(status + " x", "text/html", leaf), std::stoi(status),
                  leaf.size());
        site.leaf("/from/" + status);
        links += link_to(status);
    }
    for (const std::string status : {"300", "304", "404", "503"}) {
        std::string trap = status == "304" ? "" : link_to("/trap/" + status);
        site.page("/" + status, reply(status + " x", "text/html", trap), std::stoi(status),
                  trap.size());
        links += link_to(status);
    }
    site.html_page("/", links);
    site.check(crawl(site.url("/")));
}

TEST_CASE("a server that is not there gives one failure and status 1") {
    std::string url = "http://127.0.0.1:" + std::to_string(unused_port()) + "/";
    Result result = crawl(url);
    REQUIRE(result.lines.size() == 1);
    CHECK(result.lines[0].starts_with("failed " + url + ": "));
    CHECK(result.summary.pages == 0);
    CHECK(result.ending.status == 1);
}

TEST_CASE("a site may have an IPv6 address") {
    if (!has_ipv6_loopback()) {
        MESSAGE("skipped: no IPv6 here");
        return;
    }
    TestSite site("::1");
    std::string port = std::to_string(site.server().port());
    REQUIRE(site.url("/") == "http://[::1]:" + port + "/");
    site.html_page("/", link_to("a") + link_to("//[0:0::1]:" + port + "/b") +
                            link_to("http://127.0.0.1:" + port + "/trap"));
    site.leaf("/a");
    site.leaf("/b");
    Result result = crawl("http://[0:0:0:0:0:0:0:1]:" + port);
    site.check(result);
    CHECK(result.ending.status == 0);
}

// A host may have several addresses, in any order; the server listens on one of them.
TEST_CASE("a host name is tried at each of its addresses") {
    std::size_t addresses = resolve("localhost", 1).size();
    for (const std::string address : {"127.0.0.1", "::1"}) {
        CAPTURE(address);
        if (address == "::1" && (addresses < 2 || !has_ipv6_loopback())) {
            MESSAGE("skipped: localhost has one address here");
            continue;
        }
        TestSite site(address);
        std::string url = "://localhost:" + std::to_string(site.server().port()) + "/";
        Result result = crawl("HTTP" + url);
        REQUIRE(result.lines.size() == 1);
        CHECK(result.lines[0] == "404 13 http" + url);
    }
}

// ---- how much at once -----------------------------------------------------------------------

TEST_CASE("--concurrency is the limit, and is reached if there is enough to do") {
    for (std::size_t concurrency : {1u, 2u, 7u, 50u}) {
        CAPTURE(concurrency);
        TestSite site;
        Reply together = html("<p>together");
        together.held_until = concurrency; // no answer unless so many wait for theirs
        build_flat_site(site, 4 * concurrency, together);
        Result result = crawl(site.url("/"), {"--concurrency", std::to_string(concurrency)});
        site.check(result);
        CHECK(result.ending.status == 0);
        CHECK(site.server().most_connections() == concurrency);
        CHECK(result.summary.concurrency == concurrency);
    }
}

TEST_CASE("without --concurrency ten pages are fetched at once") {
    TestSite site;
    Reply together = html("<p>together");
    together.held_until = 10;
    build_flat_site(site, 40, together);
    Result result = crawl(site.url("/"));
    site.check(result);
    CHECK(site.server().most_connections() == 10);
    CHECK(result.summary.concurrency == 10);
}

TEST_CASE("--concurrency may be more than there are pages") {
    TestSite site;
    build_flat_site(site, 3, html("<p>x"));
    Result result = crawl(site.url("/"), {"--concurrency", "1000"});
    site.check(result);
    CHECK(site.server().most_connections() <= 3);
    CHECK(result.summary.concurrency <= 3);
}

TEST_CASE("--concurrency takes no memory for pages that do not exist") {
    TestSite site;
    build_flat_site(site, 3, html("<p>x"));
    site.check(crawl(site.url("/"), {"--max-pages", "100000", "--concurrency", "1"}));
    long before = peak_memory();
    TestSite again;
    build_flat_site(again, 3, html("<p>x"));
    again.check(crawl(again.url("/"), {"--max-pages", "100000", "--concurrency", "100000"}));
    CHECK(peak_memory() < 2 * before);
}

TEST_CASE("achieved concurrency is the most there was, not what there was last") {
    TestSite site;
    std::string links;
    for (int i = 0; i < 5; ++i) {
        Reply together = html(link_to("/tail/0"));
        together.held_until = 5;
        std::string target = "/" + std::to_string(i);
        site.page(target, together, 200, link_to("/tail/0").size());
        links += link_to(target);
    }
    for (int i = 0; i < 10; ++i) { // one after the other
        site.html_page("/tail/" + std::to_string(i),
                       i < 9 ? link_to(std::to_string(i + 1)) : "");
    }
    site.html_page("/", links);
    Result result = crawl(site.url("/"));
    site.check(result);
    CHECK(result.summary.concurrency >= 5);
}

TEST_CASE("a failure frees its place") {
    TestSite failing;
    std::string links;
    for (int i = 0; i < 5; ++i) {
        failing.bad_page("/" + std::to_string(i), raw("hello\r\n"), "not an HTTP/1 answer");
        links += link_to(std::to_string(i));
    }
    failing.leaf("/last");
    failing.html_page("/", links + link_to("last"));
    Result result = crawl(failing.url("/"), {"--concurrency", "1"});
    failing.check(result);
    CHECK(result.summary.concurrency == 1);
}

TEST_CASE("--max-pages ends the crawl after so many pages") {
    for (std::size_t max_pages : {1u, 2u, 10u}) {
        CAPTURE(max_pages);
        TestSite site;
        build_flat_site(site, 100, html("<p>x"));
        Result result = crawl(site.url("/"), {"--max-pages", std::to_string(max_pages)});
        CHECK(result.lines.size() == max_pages);
        CHECK(result.summary.pages == max_pages);
        CHECK(result.summary.max_pages == max_pages);
        CHECK(site.server().requests().size() == max_pages);
        CHECK(site.server().requests("/") == 1);
        CHECK(result.ending.status == 0);
    }
    TestSite site;
    build_flat_site(site, 9, html(link_to("/")));
    Result result = crawl(site.url("/"), {"--max-pages", "10"}); // these are all there are
    site.check(result);
    CHECK(result.summary.max_pages == 0);
}

TEST_CASE("--max-pages counts redirects and failures") {
    TestSite site;
    site.redirect_to("/", "302", "/a", "/a");
    site.bad_page("/a", raw("hello\r\n"), "not an HTTP/1 answer");
    site.check(crawl(site.url("/"), {"--max-pages", "2"}));

    TestSite cut;
    cut.redirect_to("/", "302", "/a", "/a");
    Result result = crawl(cut.url("/"), {"--max-pages", "1"});
    cut.check(result);
    CHECK(result.summary.max_pages == 1);
    CHECK(result.ending.status == 0);
}

// ---- time -----------------------------------------------------------------------------------

TEST_CASE("--timeout ends pages that never come, and the others are fetched") {
    TestSite site;
    Reply drip = raw(HTML_HEADER + "\r\n"); // never silent, never done
    drip.repeated = "x";
    drip.piece_bytes = 1;
    drip.pause = 20ms;
    site.bad_page("/silent", raw("", Reply::End::stay_open), "timed out");
    site.bad_page("/half-header", raw("HTTP/1.1 200", Reply::End::stay_open), "timed out");
    site.bad_page("/half-body",
                  raw(HTML_HEADER + "Content-Length: 9\r\n\r\nabc", Reply::End::stay_open),
                  "timed out");
    site.bad_page("/drip", drip, "timed out");
    std::string links =
        link_to("silent") + link_to("half-header") + link_to("half-body") + link_to("drip");
    for (int i = 0; i < 20; ++i) {
        std::string target = "/" + std::to_string(i);
        site.leaf(target);
        links += link_to(target);
    }
    site.html_page("/", links);
    Clock::time_point start = Clock::now();
    Result result = crawl(site.url("/"), {"--timeout", "1.5", "--concurrency", "3"});
    std::chrono::duration<double> taken = Clock::now() - start;
    site.check(result);
    CHECK(result.ending.status == 1);
    CHECK(taken.count() > 2.9); // four pages in three places
    CHECK(result.summary.seconds > 2.8);
    CHECK(result.summary.seconds <= taken.count() + 0.1);
}

TEST_CASE("--timeout ends a connect that hangs, and closes its socket") {
    if (!can_connecting_hang()) {
        MESSAGE("skipped: a full queue does not make connecting hang here");
        return;
    }
    TestSite site;
    std::string links;
    for (int i = 0; i < 20; ++i) { // 10 at once
        links += link_to(std::to_string(i));
    }
    Reply last = html(links);
    last.is_last = true;
    site.page("/", last, 200, links.size());
    Finished run = run_program("/bin/sh", {"-c", "ulimit -n 22; exec \"$@\"", "sh",
                                           crawler_program, site.url("/"), "--timeout", "1.5"});
    Result result = make_result(run.ending, run.output, run.errors);
    site.check_requests();
    CHECK(result.summary.pages == 1);
    REQUIRE(result.lines.size() == 21);
    for (std::size_t i = 1; i < result.lines.size(); ++i) {
        CHECK(result.lines[i].ends_with(": timed out"));
    }
    CHECK(result.ending.status == 1);
}

TEST_CASE("SIGINT ends it at once with what it has") {
    for (std::size_t concurrency : {1u, 5u}) {
        CAPTURE(concurrency);
        TestSite site;
        Reply silent = raw("", Reply::End::stay_open);
        std::string links = link_to("/fast");
        for (int i = 0; i < 20; ++i) {
            site.bad_page("/" + std::to_string(i), silent);
            links += link_to(std::to_string(i));
        }
        site.leaf("/fast");
        site.html_page("/", links);
        RunningCrawler crawler(
            {site.url("/"), "--timeout", "3600", "--concurrency", std::to_string(concurrency)});
        crawler.wait_for_output(" " + site.url("/") + "\n"); // each line as it comes
        crawler.wait_for_output(" " + site.url("/fast") + "\n");
        REQUIRE(site.server().wait_for_requests_under_way(concurrency));
        crawler.signal(SIGINT);
        Result result = crawler.wait();
        CHECK(result.ending.status == 1);
        CHECK(result.lines.size() == 2); // nothing has failed
        CHECK(result.summary.pages == 2);
        CHECK(result.summary.concurrency == concurrency);
        CHECK(site.server().wait_for_requests_under_way(0));
    }
}

TEST_CASE("SIGTERM ends it at once with what it has") {
    TestSite site;
    site.bad_page("/", raw("", Reply::End::stay_open));
    RunningCrawler crawler({site.url("/"), "--timeout", "3600"});
    REQUIRE(site.server().wait_for_requests_under_way(1));
    crawler.signal(SIGTERM);
    Result result = crawler.wait();
    CHECK(result.ending.status == 1);
    CHECK(result.summary.pages == 0);
}

#ifdef SLOW_LOOKUP
TEST_CASE("an address that is silent takes a part of the time of one page") {
    WebSite site;
    Socket silent = listen_on("127.0.0.2", site.port());
    std::vector<Socket> queue = fill_queue(silent);
    std::string links;
    for (int i = 0; i < 8; ++i) {
        site.add("/" + std::to_string(i), html("<p>x"));
        links += link_to(std::to_string(i));
    }
    Reply slow = html("<p>x");
    slow.pause = 1200ms; // longer than the part
    site.add("/slow", slow);
    Reply last = html(link_to("/hangs"));
    last.is_last = true;
    site.add("/last", last);
    site.add("/", html(links + link_to("slow") + link_to("last")));
    std::string url = "http://two.example:" + std::to_string(site.port()) + "/";
    ::setenv("LD_PRELOAD", SLOW_LOOKUP, 1);
    Result result = crawl(url, {"--timeout", "2", "--concurrency", "1", "--quiet"});
    ::unsetenv("LD_PRELOAD");
    // Each connection tries it first: that of the first pages, and that of the page after /last.
    std::string attempt = "connecting to 127.0.0.2";
    CHECK(result.lines == Strings{attempt, attempt, "failed " + url + "hangs: timed out"});
    CHECK(result.summary.pages == 11);
}

TEST_CASE("an address that refuses is followed by the next") {
    WebSite site;
    std::string url = "http://two.example:" + std::to_string(site.port()) + "/";
    ::setenv("LD_PRELOAD", SLOW_LOOKUP, 1);
    Result result = crawl(url);
    ::unsetenv("LD_PRELOAD");
    CHECK(result.lines == Strings{"404 13 " + url, "connecting to 127.0.0.2"});
}

TEST_CASE("SIGINT ends it at once while it looks up the name of the host") {
    ::setenv("LD_PRELOAD", SLOW_LOOKUP, 1);
    RunningCrawler crawler({"http://slow.example/"});
    ::unsetenv("LD_PRELOAD");
    crawler.wait_for_output("looking up\n");
    crawler.signal(SIGINT);
    CHECK(crawler.wait_for_end().signal == SIGINT);
}
#endif

// ---- the command line -----------------------------------------------------------------------

TEST_CASE("--quiet shows only failures and the summary") {
    TestSite site;
    WebSite other;
    build_large_site(site, other);
    Result result = crawl(site.url("/"), {"--quiet"});
    std::size_t failures = site.expected().size() - site.answers() + 2; // 404 and 500
    CHECK(result.lines.size() == failures + site.redirects_left_out());
    for (const std::string& line : result.lines) {
        bool is_expected = line.starts_with("failed ") || line == "404 8 " + site.url("/404") ||
                           line == "500 6 " + site.url("/500") ||
                           line.ends_with(" (not followed)");
        CHECK_MESSAGE(is_expected, line);
    }
    CHECK(result.summary.pages == site.answers());
    CHECK(result.ending.status == 1);
    site.check_requests();
}

TEST_CASE("output that cannot be written is an error") {
    if (::access("/dev/full", W_OK) != 0) {
        MESSAGE("skipped: no /dev/full here");
        return;
    }
    TestSite site;
    site.leaf("/");
    for (const Strings& options : {Strings{}, Strings{"--quiet"}}) {
        Strings arguments = {"-c", "exec \"$@\" >/dev/full", "sh", crawler_program,
                             site.url("/")};
        arguments.insert(arguments.end(), options.begin(), options.end());
        Finished run = run_program("/bin/sh", arguments);
        CHECK(run.ending.status == 1);
        CHECK(run.errors == "crawler: cannot write to standard output\n");
    }
}

TEST_CASE("options may come in any order") {
    TestSite site;
    site.leaf("/");
    Finished run = run_program(crawler_program, {"--quiet", "--timeout", "0.5", site.url("/"),
                                                 "--max-pages", "1", "--concurrency", "1"});
    Result result = make_result(run.ending, run.output, run.errors);
    CHECK(result.lines.empty());
    CHECK(result.summary.pages == 1);
    CHECK(result.ending.status == 0);
}

TEST_CASE("--help shows the usage") {
    Finished run = run_program(crawler_program, {"--help"});
    CHECK(run.ending.status == 0);
    CHECK(run.output.starts_with("usage: crawler "));
    CHECK(run.errors.empty());
}

TEST_CASE("wrong usage ends it with one clear line and status 2") {
    const std::string url = "http://127.0.0.1:1/";
    check_usage_error({});
    check_usage_error({"--quiet"});
    check_usage_error({url, url});
    check_usage_error({url, "--nonsense"}, "--nonsense");
    check_usage_error({url, "-x"}, "-x");
    check_usage_error({""});
    for (const char* wrong : {"localhost", "localhost:8000", "/a", "http://", "http:///a",
                              "http://a b/", "http://127.0.0.1:0/", "http://127.0.0.1:70000/",
                              "http://user@127.0.0.1/", "http://[::1/", "ftp://127.0.0.1/"}) {
        check_usage_error({wrong}, wrong);
    }
    check_usage_error({"https://127.0.0.1/"}, "https");
    check_usage_error({"HTTPS://127.0.0.1/"}, "https");
    for (const char* option : {"--concurrency", "--max-pages", "--timeout"}) {
        check_usage_error({url, option}, option);
        for (const char* value : {"", "0", "-1", "x", "1x", " 1", "99999999999999999999999"}) {
            check_usage_error({url, option, value}, option);
        }
    }
    for (const char* value : {"nan", "inf", "-0.5"}) {
        check_usage_error({url, "--timeout", value}, "--timeout");
    }
}

// ----------------------------------------------------------------------------------------------

int main(int argc, char** argv) {
    std::vector<char*> for_doctest;
    for (int i = 0; i < argc; ++i) {
        std::string argument = argv[i];
        std::string value = argument.substr(argument.find('=') + 1);
        if (argument.starts_with("--crawler=")) {
            crawler_program = value;
        } else if (argument.starts_with("--patience=")) {
            patience = std::chrono::seconds(std::stoi(value));
        } else {
            for_doctest.push_back(argv[i]);
        }
    }
    doctest::Context context(static_cast<int>(for_doctest.size()), for_doctest.data());
    return context.run();
}
