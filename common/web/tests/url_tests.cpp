// Tests of URLs. Much of the input is wrong on purpose: the result is a value all the same.
#include <doctest/doctest.h>

#include "common/web/tests/helpers.hpp"
#include "common/web/url.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

// What a page is called. "-" if that is not a URL.
std::string canonical(std::string_view text) {
    std::optional<Url> url = parse_url(text);
    return url ? to_text(*url) : "-";
}

std::string resolved(std::string_view base, std::string_view reference) {
    std::optional<Url> url = resolve(url_of(base), reference);
    return url ? to_text(*url) : "-";
}

struct Example {
    std::string reference;
    std::string target;
};

void check_examples(const std::vector<Example>& examples) {
    const std::string base = "http://a/b/c/d;p?q";
    for (const Example& example : examples) {
        CAPTURE(example.reference);
        CHECK(resolve_reference(base, example.reference) == example.target);
        CHECK(resolved(base, example.reference) == canonical(example.target));
    }
}

} // namespace

TEST_CASE("url: the normal examples of RFC 3986 section 5.4.1 resolve as it says") {
    const std::vector<Example> examples = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
    };
    check_examples(examples);
}

TEST_CASE("url: the abnormal examples of RFC 3986 section 5.4.2 resolve as it says") {
    const std::vector<Example> examples = {
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"http:g", "http:g"}, // "for strict parsers"
    };
    check_examples(examples);
}

TEST_CASE("url: a reference resolves against any base") {
    CHECK(resolve_reference("http://a", "g") == "http://a/g"); // section 5.2.3
    CHECK(resolve_reference("http://a", "../g") == "http://a/g");
    CHECK(resolve_reference("http://a?q", "") == "http://a?q");
    CHECK(resolve_reference("http://a/b/", "g") == "http://a/b/g");
    CHECK(resolve_reference("http://a/b/#f", "") == "http://a/b/");
    CHECK(resolve_reference("mailto:x@y", "#s") == "mailto:x@y#s");
    CHECK(resolve_reference("urn:a:b", "c") == "urn:c");
    CHECK(resolve_reference("http://a/b", "//c") == "http://c");
    CHECK(resolve_reference("http://a/b", "//") == "http://");
    CHECK(resolve_reference("http://a/b", "?") == "http://a/b?");
    CHECK(resolve_reference("http://a/b", "1:2") ==
          "http://a/1:2"); // a scheme starts with a letter
    CHECK(resolve_reference("", "") == "");
    CHECK(resolve_reference("", "../a") == "a");
    CHECK(resolve_reference("", "..") == "");
    CHECK(resolve_reference("a", "b/.") == "b/");
}

TEST_CASE("url: a text is taken apart into host, port, path and query") {
    Url url = url_of("http://Example.COM:8080/a/b;c?d=e&f#g");
    CHECK(url.host == "example.com");
    CHECK(url.port == 8080);
    CHECK(url.path == "/a/b;c");
    CHECK(url.query == "d=e&f");
    CHECK(url.has_query);
    CHECK(to_text(url) == "http://example.com:8080/a/b;c?d=e&f");
    CHECK(request_target(url) == "/a/b;c?d=e&f");
    CHECK(host_header(url) == "example.com:8080");

    url = url_of("http://[2001:DB8:0::1]");
    CHECK(url.host == "2001:db8::1");
    CHECK(url.port == 80);
    CHECK(url.path == "/");
    CHECK(!url.has_query);
    CHECK(to_text(url) == "http://[2001:db8::1]/");
    CHECK(request_target(url) == "/");
    CHECK(host_header(url) == "[2001:db8::1]");
    CHECK(host_header(url_of("http://[::1]:81/")) == "[::1]:81");

    url = url_of("http://127.0.0.1?");
    CHECK(url.host == "127.0.0.1");
    CHECK(url.has_query);
    CHECK(url.query.empty());
    CHECK(request_target(url) == "/?");
}

TEST_CASE("url: equal pages have equal texts") {
    const std::vector<Strings> groups = {
        {"http://a/", "http://a", "HTTP://A:80", "http://a:/", "http://a:0080/", "http://a/#f",
         "http://a/.", "http://a/./", "http://a/..", "http://a/b/..", "http://a/%2E/%2e%2E"},
        {"http://a/?", "http://a?", "http://a/?#f"},
        {"http://a/~b-._c", "http://a/%7Eb%2D%2E%5fc", "http://a/%7eb-%2e_%63"},
        {"http://a/%2F%C3%BC", "http://a/%2f%c3%bc", "http://a/%2F\xc3\xbc"},
        {"http://a/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D", "http://a/\"<>\\^`{|}[]"},
        {"http://a/%25", "http://a/%"},
        {"http://a/%25zz%251", "http://a/%zz%1"},
        {"http://a/?q=%25&r=%20", "http://a/?q=%&r=%20"},
        {"http://a/%2541", "http://a/%4%31", "http://a/%254%31"}, // and not %41, which is A
        {"http://[::1]/", "http://[0:0:0:0:0:0:0:1]", "http://[::0001]:80"},
    };
    Strings canonical_texts;
    for (const Strings& group : groups) {
        for (const std::string& text : group) {
            CAPTURE(text);
            CHECK(canonical(text) == group[0]);
        }
        canonical_texts.push_back(group[0]);
    }
    std::sort(canonical_texts.begin(), canonical_texts.end());
    CHECK(std::adjacent_find(canonical_texts.begin(), canonical_texts.end()) ==
          canonical_texts.end());
    CHECK(canonical("http://a//b///c//") == "http://a//b///c//"); // these are other pages
    CHECK(canonical("http://a/A") != canonical("http://a/a"));
    CHECK(canonical("http://a./") != canonical("http://a/"));
}

TEST_CASE("url: a text that is not an http URL is refused") {
    const Strings wrong = {
        "",
        "http",
        "http:",
        "http:/a",
        "http://",
        "http:///a",
        "http://?q",
        "//a/",
        "/a",
        "a",
        "a/b",
        "localhost:8000/",
        "https://a/",
        "ftp://a/",
        "httpx://a/",
        "http ://a/",
        " http://a/",
        "http://a/ ",
        "http://a/b c",
        "http://a/?b c",
        "http://a/#b c",
        "http://a\n/",
        "http://a/\t",
        "http://a/\x7f",
        std::string("http://a\0/", 10),
        "http://a b/",
        "http://user@a/",
        "http://user:password@a/",
        "http://@a/",
        "http://a:b/",
        "http://a:0/",
        "http://a:-1/",
        "http://a:65536/",
        "http://a:99999999999999999999999999/",
        "http://a:80:80/",
        "http://:80/",
        "http://./",
        "http://a..b/",
        "http://.a/",
        "http://a../",
        "http://a%41/",
        "http://a\\b/",
        "http://a,b/",
        "http://\xc3\xbc/",
        "http://::1/",
        "http://[::1/",
        "http://::1]/",
        "http://[]/",
        "http://[a]/",
        "http://[1.2.3.4]/",
        "http://[::1]a/",
        "http://[::1]80/",
        "http://[::1]:a/",
        "http://[::g]/",
        "http://[1:2:3:4:5:6:7:8:9]/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        std::string("http://[::1\0]/", 14),
        "http://" + std::string(64, 'a') + "/",
        "http://" + repeat("a.", 127) + "com/",
        "http://a/" + std::string(8000, 'b'),
    };
    for (const std::string& text : wrong) {
        CAPTURE(text);
        CHECK(canonical(text) == "-");
    }
    CHECK(canonical("http://" + std::string(63, 'a') + "/") != "-");
    CHECK(canonical("http://" + repeat("a.", 125) + "com/") != "-");
    CHECK(canonical("http://a/" + std::string(7999, 'b')) != "-");
    CHECK(canonical("http://a_b.xn--bcher-kva.example./") != "-");
}

TEST_CASE("url: the scheme is what stands before the first colon") {
    CHECK(scheme_of("http://a/") == "http");
    CHECK(scheme_of("HTTPS://a/") == "https");
    CHECK(scheme_of(" \n https:") == "https");
    CHECK(scheme_of("coap+tcp://a") == "coap+tcp");
    CHECK(scheme_of("mailto:x@y") == "mailto");
    for (const char* text : {"", "//a", "/a:b", "a", ":a", "1a:b", "a b:c", "?a:b", "#a:b"}) {
        CAPTURE(text);
        CHECK(scheme_of(text) == "");
    }
}

TEST_CASE("url: references are resolved as browsers do it") {
    const std::string page = "http://h:8080/d/page.html?q";
    CHECK(resolved(page, " other.html\n") == "http://h:8080/d/other.html");
    CHECK(resolved(page, "o\nth\ter\r.html") == "http://h:8080/d/other.html");
    CHECK(resolved(page, "a b.html?c d") == "http://h:8080/d/a%20b.html?c%20d");
    CHECK(resolved(page, "\xc3\xbc") == "http://h:8080/d/%C3%BC");
    CHECK(resolved(page, "%2e%2E/%7ex") == "http://h:8080/~x");
    CHECK(resolved(page, "%2e%2e/../x") == "http://h:8080/x");
    CHECK(resolved(page, "a/%2e%2e/../x") == "http://h:8080/x");
    CHECK(resolved(page, "#top") == page);
    CHECK(resolved(page, "") == page);
    CHECK(resolved(page, "?") == "http://h:8080/d/page.html?");
    CHECK(resolved(page, "//other") == "http://other/");
    CHECK(resolved(page, "//other:8080/x") == "http://other:8080/x");
    CHECK(resolved(page, "HTTP://h:8080/x") == "http://h:8080/x");
    CHECK(resolved(page, "/..//x") == "http://h:8080//x");
    CHECK(resolved(page, "\\x") == "http://h:8080/d/%5Cx");
    CHECK(resolved(page, std::string("x\0y", 3)) == "http://h:8080/d/x%00y");
    CHECK(resolved("http://[::1]:81/a", "b") == "http://[::1]:81/b");
    CHECK(resolved("http://h", "b") == "http://h/b");
    for (const char* reference : {"https://h:8080/", "mailto:x@y", "javascript:alert(1)",
                                  "data:text/html,x", "ftp://h/", "tel:1", "http:x", "http://",
                                  "//", "///x", "//u@h/", "//h:x/", "http://a b/", "a:b"}) {
        CAPTURE(reference);
        CHECK(resolved(page, reference) == "-");
    }
    CHECK(resolved(page, std::string("//[::1\0]/", 10)) == "-");
    CHECK(resolved(page, std::string(8001, 'a')) == "-");
}

TEST_CASE("url: the same host and port are the same site") {
    Url url = url_of("http://a:8080/b");
    CHECK(is_same_site(url, url_of("http://A:8080/c?d")));
    CHECK(!is_same_site(url, url_of("http://a/b")));
    CHECK(!is_same_site(url, url_of("http://b:8080/b")));
}

TEST_CASE("url: long texts take no longer than they must") {
    std::size_t count = 100'000;
    std::string base = "http://a/b/c";
    CHECK(resolve_reference(base, repeat("../", count)) == "http://a/");
    CHECK(resolve_reference(base, repeat("./", count)) == "http://a/b/");
    CHECK(resolve_reference(base, repeat("x/../", count)) == "http://a/b/");
    CHECK(resolve_reference(base, repeat("x/", count) + repeat("../", count)) == "http://a/b/");
    CHECK(resolved(base, repeat("../", count)) == "http://a/");
    CHECK(resolved(base, repeat("%2e%2e/", count) + "d") == "http://a/d");
    CHECK(resolved(base, repeat("\n", count) + "d") == "http://a/b/d");
    CHECK(resolved(base, repeat("/", count)) == "-");
    CHECK(resolved(base, repeat("%", count)) == "-");
    CHECK(canonical("http://" + repeat("a", count)) == "-");
    CHECK(canonical("http://a:" + repeat("0", count) + "80") == "http://a/");
    CHECK(canonical("http://[" + repeat(":", count)) == "-");
    CHECK(scheme_of(repeat("a", count)) == "");
}
