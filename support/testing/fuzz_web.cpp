// Throws arbitrary bytes at what a crawler believes: URLs, links, HTML and HTTP answers. With
// libFuzzer it looks for inputs of its own (cmake -DECHO_FUZZ=ON with Clang, then
// build/.../fuzz_web support/testing/corpus); the tests run it over the corpus
// with any compiler.
#include "common/web/html.hpp"
#include "common/web/http.hpp"
#include "common/web/url.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

// What must always hold. It ends the program, which is how a fuzzer learns of it.
void must(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "fuzz_web: does not hold: %s\n", what);
        std::abort();
    }
}

bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1); // the slash
        std::string_view segment = path.substr(0, path.find('/'));
        if (segment == "." || segment == "..") {
            return true;
        }
        path.remove_prefix(segment.size());
    }
    return false;
}

void check_url(const Url& url) {
    std::string text = to_text(url);
    must(parse_url(text) == url, "parse_url(to_text(url)) == url");
    must(url.path.starts_with('/'), "a path starts with a slash");
    must(!has_dot_segment(url.path), "a path has no dot segments");
    must(url.has_query || url.query.empty(), "only a URL with a query has a query");
    must(text.find_first_of("#\\ \r\n\t\"<>") == std::string::npos, "no such characters");
    std::string request = make_request(url);
    must(std::count(request.begin(), request.end(), '\n') == 7, "a request has seven lines");
}

// The base up to the first line end, then the reference.
void fuzz_url(std::string_view input) {
    std::size_t end = std::min(input.find('\n'), input.size());
    std::string_view base_text = input.substr(0, end);
    std::string_view reference = input.substr(std::min(end + 1, input.size()));
    resolve_reference(base_text, reference);
    scheme_of(base_text);
    std::optional<Url> base = parse_url(base_text);
    if (!base) {
        base = parse_url("http://a/b/c/d;p?q");
    }
    check_url(*base);
    if (std::optional<Url> url = resolve(*base, reference)) {
        check_url(*url);
        must(resolve(*base, to_text(*url)) == url, "an absolute URL resolves to itself");
        must(resolve(*url, "") == url, "an empty reference means the page itself");
    }
}

void fuzz_html(std::string_view input) {
    std::set<std::string> texts;
    std::vector<Url> urls = links_of(input, *parse_url("http://a/b/c/d;p?q"));
    for (const Url& url : urls) {
        check_url(url);
        texts.insert(to_text(url));
    }
    must(texts.size() == urls.size(), "no link comes twice");
    Links links = find_links(input);
    must(urls.size() <= links.references.size(), "no link comes from nowhere");
}

ResponseParser parse(std::string_view answer, std::size_t piece, std::size_t max_body_bytes) {
    ResponseParser response(max_body_bytes);
    while (!answer.empty()) {
        response.feed(answer.substr(0, piece));
        answer.remove_prefix(std::min(piece, answer.size()));
    }
    response.end_of_stream();
    return response;
}

void fuzz_response(std::string_view input) {
    const std::size_t max_body_bytes = 1000;
    ResponseParser whole = parse(input, std::string_view::npos, max_body_bytes);
    must(whole.done(), "the end of the stream is the end");
    must(whole.error() || (whole.status() >= 200 && whole.status() < 600), "a status");
    must(whole.body().size() <= max_body_bytes, "the limit of the body");
    must(!whole.error() || whole.body().empty(), "no body after an error");
    for (std::size_t piece : {1u, 2u, 7u}) {
        ResponseParser response = parse(input, piece, max_body_bytes);
        must(response.error() == whole.error(), "in pieces: the same error");
        must(response.status() == whole.status(), "in pieces: the same status");
        must(response.body() == whole.body(), "in pieces: the same body");
        must(response.is_html() == whole.is_html(), "in pieces: the same type");
        must(response.location() == whole.location(), "in pieces: the same location");
        must(response.header("a") == whole.header("a"), "in pieces: the same header");
    }
}

} // namespace

// The first byte says what the others are for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) { // of '0', '1' and '2' just that
    case 0:
        fuzz_url(input);
        break;
    case 1:
        fuzz_html(input);
        break;
    default:
        fuzz_response(input);
        break;
    }
    return 0;
}
