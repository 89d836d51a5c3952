// Tests of what the crawlers share: URLs, links in HTML, and answers of web servers. Much of
// the input is wrong on purpose: whatever a server sends, the result is a value.
#include <doctest/doctest.h>

#include "common/web/html.hpp"
#include "common/web/http.hpp"
#include "common/web/url.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

using Strings = std::vector<std::string>;

// How doctest shows them when a test fails.
template <>
struct doctest::StringMaker<Strings> {
    static String convert(const Strings& strings) {
        std::string all;
        for (const std::string& text : strings) {
            all += "\"" + text + "\" ";
        }
        return String(all.c_str());
    }
};

namespace {

// What a page is called. "-" if that is not a URL.
std::string canonical(std::string_view text) {
    std::optional<Url> url = parse_url(text);
    return url ? to_text(*url) : "-";
}

Url url_of(std::string_view text) {
    std::optional<Url> url = parse_url(text);
    REQUIRE(url.has_value());
    return *url;
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

Strings references(std::string_view html) {
    return find_links(html).references;
}

Strings texts(const std::vector<Url>& urls) {
    Strings all;
    for (const Url& url : urls) {
        all.push_back(to_text(url));
    }
    return all;
}

std::string repeat(std::string_view text, std::size_t count) {
    std::string all;
    all.reserve(text.size() * count);
    for (std::size_t i = 0; i < count; ++i) {
        all += text;
    }
    return all;
}

constexpr std::size_t LIMIT = 100'000;

// Parses an answer after which the server closes the connection: in one piece, and
// byte by byte.
ResponseParser parse(std::string_view answer, std::size_t max_body_bytes = LIMIT) {
    ResponseParser whole(max_body_bytes);
    whole.feed(answer);
    whole.end_of_stream();
    CHECK(whole.done());

    ResponseParser bytes(max_body_bytes);
    for (std::size_t i = 0; i < answer.size(); ++i) {
        bytes.feed(answer.substr(i, 1));
    }
    bytes.end_of_stream();
    CHECK(bytes.error() == whole.error());
    CHECK(bytes.status() == whole.status());
    CHECK(bytes.body() == whole.body());
    return whole;
}

void check_body(std::string_view answer, std::string_view body) {
    ResponseParser response = parse(answer);
    CHECK(response.error().value_or("") == "");
    CHECK(response.status() == 200);
    CHECK(response.body() == body);
}

std::string error_of(std::string_view answer, std::size_t max_body_bytes = LIMIT) {
    return parse(answer, max_body_bytes).error().value_or("none");
}

// Whether it is complete without the server closing the connection.
bool is_complete(std::string_view answer) {
    ResponseParser response(LIMIT);
    response.feed(answer);
    return response.done() && !response.error();
}

const std::string OK = "HTTP/1.1 200 OK\r\n";

} // namespace

// ---- URLs -----------------------------------------------------------------------------------

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

// ---- HTML -----------------------------------------------------------------------------------

TEST_CASE("html: href and src of all tags are found, in order") {
    CHECK(references("<html><head><link rel=stylesheet href=style.css></head><body>"
                     "<a href=\"a.html\">A</a> <img alt='' src='i.png'>"
                     "<iframe src=f></iframe><a name=x>no link</a></body></html>") ==
          Strings{"style.css", "a.html", "i.png", "f"});
    CHECK(references("<x src=1 href=2><x href=3 src=4>") == Strings{"1", "2", "3", "4"});
    CHECK(references("") == Strings{});
    CHECK(references("no tags, a < b and c > d, href=e") == Strings{});
}

TEST_CASE("html: an attribute is found however it is written") {
    CHECK(references("<A HREF=a><a Href=\"b\"><a hReF='c'>") == Strings{"a", "b", "c"});
    CHECK(references("<a href = a><a href\n=\n\"b\"><a\thref='c'\f>") ==
          Strings{"a", "b", "c"});
    CHECK(references("<a/href=a/><a class=x/href=no><a class='x'href=b>") ==
          Strings{"a/", "b"});
    CHECK(references("<a href=a/b?c=d&e=f#g>") == Strings{"a/b?c=d&e=f#g"});
    CHECK(references("<a href='a\"b'><a href=\"a'b\"><a href=a\"b'c>") ==
          Strings{"a\"b", "a'b", "a\"b'c"});
    CHECK(references("<a href=\"a>b\"><a href='<a href=c>'>") == Strings{"a>b", "<a href=c>"});
    CHECK(references("<a href><a href=><a href=''>") == Strings{"", "", ""});
    CHECK(references("<a href=a href=b HREF=c>") == Strings{"a"}); // the first counts
    CHECK(references("<a disabled href=a checked>") == Strings{"a"});
    CHECK(references("<a title='href=no' data-href=no xhref=no hrefx=no xlink:href=no>") ==
          Strings{});
    CHECK(references("<a =href=no><a ==x href=a>") == Strings{"a"});
    CHECK(references("<a\n  class=\"b\"\n  href=\"c\"\n>") == Strings{"c"});
}

TEST_CASE("html: what only looks like a tag is skipped") {
    CHECK(references("< a href=no><1 href=no><=a href=no>") == Strings{});
    CHECK(references("<<a href=a>") == Strings{"a"});
    CHECK(references("</a href=no></ href=no><a href=a>") == Strings{"a"});
    CHECK(references("<!doctype html><?xml href=no?><![CDATA[<a href=no>]]><a href=a>") ==
          Strings{"a"});
    CHECK(references("<!a><a href=a><!><a href=b></><a href=c><?><a href=d>") ==
          Strings{"a", "b", "c", "d"});
}

TEST_CASE("html: comments are skipped") {
    CHECK(references("<!-- <a href=no> --><a href=a>") == Strings{"a"});
    CHECK(references("<!-- > <a href=no> -- > <a href=no> -> --><a href=a>") == Strings{"a"});
    CHECK(references("<!----><a href=a><!-----><a href=b><!-- x ---><a href=c>") ==
          Strings{"a", "b", "c"});
    CHECK(references("<!--><a href=a><!---><a href=b>") == Strings{"a", "b"});
    CHECK(references("<!-- x --!><a href=a>") == Strings{"a"});
    CHECK(references("<!-- <!-- --><a href=a> -->") == Strings{"a"});
    CHECK(references("<a href=a><!-- <a href=no>") == Strings{"a"});
}

TEST_CASE("html: scripts, styles and titles are text") {
    CHECK(references("<script src=s.js>'<a href=no>'</script><a href=a>") ==
          Strings{"s.js", "a"});
    CHECK(references("<SCRIPT>x</b>y</scripts>z</ScRiPt ><a href=a>") == Strings{"a"});
    CHECK(references("<style>a{}<a href=no></style\n><a href=a>") == Strings{"a"});
    CHECK(references("<title><a href=no></title><textarea><a href=no></textarea/><a href=a>") ==
          Strings{"a"});
    CHECK(references("<script><!-- <a href=no> </script><a href=a>") == Strings{"a"});
    CHECK(references("<script></script src='x><y'><a href=a>") == Strings{"a"});
    CHECK(references("<script><a href=no>") == Strings{});
    CHECK(references("</script><a href=a><scripts><a href=b></scripts>") == Strings{"a", "b"});
    CHECK(references("<noscript><a href=a></noscript><template><a href=b></template>") ==
          Strings{"a", "b"});
}

TEST_CASE("html: character references are replaced") {
    CHECK(references("<a href='?a=1&amp;b=2&lt;&gt;&quot;&apos;&#39;&#x27;&#X2f;&#038;'>") ==
          Strings{"?a=1&b=2<>\"'''/&"});
    CHECK(references("<a href=&#228;&#x20AC;&#x1f600;>") ==
          Strings{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"});
    CHECK(references("<a href=?a&copy=1&lt=2&amp&nosuch;&;&#;&#x;&#xg;&&amp;amp;>") ==
          Strings{"?a&copy=1&lt=2&amp&nosuch;&;&#;&#x;&#xg;&&amp;"});
    const std::string none = "\xef\xbf\xbd"; // U+FFFD
    CHECK(references("<a href=&#0;&#xd800;&#x110000;&#99999999999999999999;>") ==
          Strings{none + none + none + none});
    CHECK(references("<a href='&#12'><a href='&'><a href='&#'><a href='&#x'>") ==
          Strings{"&#12", "&", "&#", "&#x"});
}

TEST_CASE("html: a page may end anywhere") {
    const std::string page =
        "<a href=a><b class=\"c\" href='d' src=e><!-- f --><script g='h'>i</script>"
        "<base href=\"j\"><a href=&#38;>k";
    for (std::size_t size = 0; size <= page.size(); ++size) {
        CAPTURE(page.substr(0, size));
        Strings found = references(std::string_view(page).substr(0, size));
        CHECK(found.size() <= 4);
        CHECK((found.empty() || found[0] == "a"));
    }
    CHECK(references("<a href=a") == Strings{}); // no tag, as it has no end
    CHECK(references("<a href='a>") == Strings{});
}

TEST_CASE("html: only http pages are links, each once") {
    Url page = url_of("http://h/d/page.html?q");
    CHECK(texts(links_of("<a href=b#x><a href=../c?d&amp;e><a href=//other/f><a href=b#y>"
                         "<a href=/d/%62><a href=https://h/><a href=mailto:a@b><a href='#z'>"
                         "<a href=javascript:alert(1)><img src=' i .png '>",
                         page)) == Strings{"http://h/d/b", "http://h/c?d&e", "http://other/f",
                                           "http://h/d/page.html?q", "http://h/d/i%20.png"});
}

TEST_CASE("html: a base element changes what references mean") {
    Url page = url_of("http://h/d/page.html");
    auto links = [&](std::string_view html) { return texts(links_of(html, page)); };
    CHECK(links("<base href=/e/><a href=f>") == Strings{"http://h/e/f"});
    CHECK(links("<base href=e/><a href=f>") == Strings{"http://h/d/e/f"});
    CHECK(links("<base target=x><base href=http://i/><base href=/no/><a href=f>") ==
          Strings{"http://i/f"});
    CHECK(links("<a href=f><base href=/e/>") == Strings{"http://h/e/f"});
    CHECK(links("<!-- <base href=/no/> --><a href=f>") == Strings{"http://h/d/f"});
    CHECK(links("<base href=javascript:x><a href=f>") == Strings{"http://h/d/f"});
    CHECK(links("<base href='http://'><a href=f>") == Strings{"http://h/d/f"});
    CHECK(links("<base href=' https://h/'><a href=f><a href=HTTP://h/g>") ==
          Strings{"http://h/g"});
    CHECK(find_links("<base href='&amp;'>").base == "&");
    CHECK(!find_links("<base>").base.has_value());
}

TEST_CASE("html: all of 10000 links are found") {
    std::string html;
    for (int i = 0; i < 10'000; ++i) {
        html += "<li><a class='x' href=\"page" + std::to_string(i) + ".html#top\">" +
                std::to_string(i) + "</a>\n";
    }
    std::vector<Url> links = links_of(html + html, url_of("http://h/d/"));
    REQUIRE(links.size() == 10'000);
    CHECK(to_text(links.front()) == "http://h/d/page0.html");
    CHECK(to_text(links.back()) == "http://h/d/page9999.html");
}

TEST_CASE("html: hostile pages take no longer than they must") {
    std::size_t count = 100'000;
    for (const char* text :
         {"<",           "<a",    "<a ", "<a href=",      "<a href='",  "<!--",
          "<!-- -",      "-",     "</",  "<script>",      "<script></", "</script",
          "<a href=a>",  "<a/",   "=",   "<title></titl", "<a href=&",  "<a href=&#",
          "<a href=&#0", "<base "}) {
        CAPTURE(text);
        CHECK(references(repeat(text, count)).size() <= count);
        CHECK(references("<a href=\"" + repeat(text, count)).empty());
    }
    CHECK(references("<a href=" + repeat("&", count) + ">")[0].size() == count);
    CHECK(references("<a href=&#" + repeat("0", count) + "38;>") == Strings{"&"});
    CHECK(references("<a" + repeat(" href=a", count) + ">") == Strings{"a"});
}

TEST_CASE("html: a long base and many short links do not fill the memory") {
    std::string html = "<base href='/" + std::string(7900, 'b') + "/'>";
    for (int i = 0; i < 50'000; ++i) {
        html += "<a href=" + std::to_string(i) + ">";
    }
    std::vector<Url> links = links_of(html, url_of("http://h/"));
    CHECK(links.size() > 1000);
    CHECK(links.size() < 10'000); // 400 MB, if it were all of them
}

// ---- HTTP -----------------------------------------------------------------------------------

TEST_CASE("http: a request names the host and closes the connection") {
    CHECK(make_request(url_of("http://h:81/a?b")) == "GET /a?b HTTP/1.1\r\n"
                                                     "Host: h:81\r\n"
                                                     "User-Agent: crawler/1.0\r\n"
                                                     "Accept: */*\r\n"
                                                     "Accept-Encoding: identity\r\n"
                                                     "Connection: close\r\n"
                                                     "\r\n");
}

TEST_CASE("http: a body can end in three ways") {
    check_body(OK + "Content-Length: 5\r\n\r\nhello", "hello");
    check_body(OK + "Content-Length: 5\r\n\r\nhello, and more", "hello");
    check_body(OK + "Content-Length: 0\r\n\r\n", "");
    check_body(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello");
    check_body(OK + "\r\nhello", "hello");
    check_body(OK + "\r\n", "");
    check_body("HTTP/1.0 200 OK\r\n\r\nhello\r\n", "hello\r\n");

    CHECK(is_complete(OK + "Content-Length: 5\r\n\r\nhello"));
    CHECK(is_complete(OK + "Content-Length: 0\r\n\r\n"));
    CHECK(is_complete(OK + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    CHECK(!is_complete(OK + "Transfer-Encoding: chunked\r\n\r\n0\r\n"));
    CHECK(!is_complete(OK + "\r\nhello"));
}

TEST_CASE("http: a status line is understood or refused") {
    CHECK(parse("HTTP/1.1 404 Not Found\r\n\r\n").status() == 404);
    CHECK(parse("HTTP/1.0 500\r\n\r\n").status() == 500);
    CHECK(parse("HTTP/1.1 299 \n\n").status() == 299);
    CHECK(parse("HTTP/1.1 200 \xc3\xbc:\t\n\n").status() == 200);
    CHECK(error_of("SSH-2.0-OpenSSH_9.2\r\n") == "not an HTTP/1 answer");
    CHECK(error_of("\r\nHTTP/1.1 200 OK\r\n\r\n") == "not an HTTP/1 answer");
    CHECK(error_of("HTTP/2 200\r\n\r\n") == "not an HTTP/1 answer");
    CHECK(error_of("http/1.1 200 OK\r\n\r\n") == "not an HTTP/1 answer");
    CHECK(error_of("HTTP/1.1\r\n\r\n") == "not an HTTP/1 answer");
    CHECK(error_of("<html>\n") == "not an HTTP/1 answer");
    for (const char* rest : {"", "OK", "20", "2000", "0200", "099", "600", "-20", "2 0",
                             "200OK", " 200 OK", "99999999999999999999999"}) {
        CAPTURE(rest);
        CHECK(error_of("HTTP/1.1 " + std::string(rest) + "\r\n\r\n") ==
              "malformed status line");
    }
}

TEST_CASE("http: header lines are understood or refused") {
    ResponseParser response =
        parse(OK + "CONTENT-type:text/html\r\n"
                   "A:  1 \t\r\nb :2\r\na: 3\r\nFolded: x\r\n\t y \r\n z\r\n"
                   "Empty:\r\nC: d: e\r\n\r\n");
    CHECK(!response.error());
    CHECK(response.header("content-TYPE") == "text/html");
    CHECK(response.header("A") == "1, 3");
    CHECK(response.header("B") == "2");
    CHECK(response.header("folded") == "x y z");
    CHECK(response.header("empty") == "");
    CHECK(response.header("c") == "d: e");
    CHECK(!response.header("d"));
    check_body("HTTP/1.1 200 OK\nContent-Length: 2\n\nab", "ab"); // LF only
    for (const char* line : {"no colon", ": no name", " : no name", "a b: c", " folded: first",
                             "a\"b: c", "\xc3\xbc: c", "a: b\rc", "a: b\x01"}) {
        CAPTURE(line);
        CHECK(error_of(OK + line + "\r\n\r\n") == "malformed header line");
    }
    CHECK(error_of(OK + std::string("a: \0\r\n\r\n", 9)) == "malformed header line");
    CHECK(error_of(OK + "a: b\r\n c\rd\r\n\r\n") == "malformed header line");
}

TEST_CASE("http: interim answers are skipped") {
    ResponseParser response = parse("HTTP/1.1 100 Continue\r\n\r\n"
                                    "HTTP/1.1 103 Early Hints\r\nContent-Length: 99\r\n\r\n" +
                                    OK + "Content-Length: 2\r\n\r\nab");
    CHECK(!response.error());
    CHECK(response.status() == 200);
    CHECK(response.header("content-length") == "2");
    CHECK(response.body() == "ab");
    CHECK(error_of("HTTP/1.1 100 Continue\r\n\r\n") == "closed in the middle of the header");
    CHECK(error_of(repeat("HTTP/1.1 100 Continue\r\n\r\n", 10'000)) ==
          "header larger than 65536 bytes");
}

TEST_CASE("http: some answers have no body") {
    for (const char* status : {"204 No Content", "304 Not Modified"}) {
        std::string answer = "HTTP/1.1 " + std::string(status) +
                             "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
        CHECK(is_complete(answer));
        CHECK(parse(answer + "hello").body().empty());
    }
}

TEST_CASE("http: Content-Length must be one number") {
    check_body(OK + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "ab");
    check_body(OK + "Content-Length: 2, 02,\r\n\r\nab", "ab");
    for (const char* value :
         {"", ",", "two", "-1", "+2", "2x", "0x2", "2 2", "2, 3", "2;q=1", "1.0"}) {
        CAPTURE(value);
        CHECK(error_of(OK + "Content-Length: " + value + "\r\n\r\nab") ==
              "malformed Content-Length");
    }
    CHECK(error_of(OK + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc") ==
          "malformed Content-Length");
    CHECK(error_of(OK + "Content-Length: 20\r\n\r\n0123456789") ==
          "closed after 10 of 20 bytes");
    CHECK(error_of(OK + "Content-Length: 20\r\n\r\n") == "closed after 0 of 20 bytes");
}

TEST_CASE("http: chunks are joined or refused") {
    const std::string chunked = OK + "Transfer-Encoding: Chunked\r\n\r\n";
    check_body(chunked + "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", "abcde");
    check_body(chunked + "2\nab\n3\ncde\n0\n\n", "abcde");
    check_body(chunked + "0000002;a=b;c=\"d\"\r\nab\r\nA \r\n0123456789\r\n0;x\r\n\r\n",
               "ab0123456789");
    check_body(chunked + "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n");
    check_body(chunked + "1\r\na\r\n0\r\nTrailer: x\r\nother\r\n\r\nmore", "a");
    check_body(chunked + "1\r\na\r\n0\r\n", "a"); // complete without the trailers
    check_body(
        OK + "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "a");
    check_body(
        OK + "Content-Length: x\r\nTransfer-Encoding: ,chunked ,\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "a");
    for (const char* wrong : {"x\r\n", "\r\n", "-1\r\na", ";a=b\r\n", "1 1\r\n", "1x\r\n",
                              "0x1\r\n", "1\r\nab\r\n", "1\r\na\r\n\r\n", " 1\r\na\r\n"}) {
        CAPTURE(wrong);
        CHECK(error_of(chunked + wrong) == "malformed chunk");
    }
    for (const char* part :
         {"", "5", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0"}) {
        CAPTURE(part);
        CHECK(error_of(chunked + part) == "closed before the last chunk");
    }
    for (const char* coding :
         {"gzip", "gzip, chunked", "chunked, chunked", "identity", "", "x"}) {
        CAPTURE(coding);
        CHECK(error_of(OK + "Transfer-Encoding: " + coding + "\r\n\r\n0\r\n\r\n") ==
              "unknown Transfer-Encoding");
    }
}

TEST_CASE("http: a body in an unknown Content-Encoding is refused") {
    for (const char* value : {"identity", "Identity ", "", " , "}) {
        CAPTURE(value);
        check_body(OK + "Content-Encoding: " + value + "\r\nContent-Length: 2\r\n\r\nab", "ab");
    }
    for (const char* value : {"gzip", "identity, br", "x"}) {
        CAPTURE(value);
        CHECK(error_of(OK + "Content-Encoding: " + value + "\r\nContent-Length: 2\r\n\r\nab") ==
              "unknown Content-Encoding " + std::string(value));
    }
    CHECK(is_complete("HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n"));
}

TEST_CASE("http: answers that are too large are refused") {
    const std::string chunked = OK + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string too_large = "page larger than 5 bytes";
    CHECK(parse(OK + "\r\nhello", 5).body() == "hello");
    CHECK(parse(OK + "Content-Length: 5\r\n\r\nhello", 5).body() == "hello");
    CHECK(parse(chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 5).body() == "hello");
    CHECK(error_of(OK + "\r\nhello!", 5) == too_large);
    CHECK(error_of(OK + "Content-Length: 6\r\n\r\n", 5) == too_large);
    CHECK(error_of(OK + "Content-Length: 99999999999999999999999999\r\n\r\n", 5) == too_large);
    CHECK(error_of(OK + "Content-Length: 18446744073709551615\r\n\r\n", 5) == too_large);
    CHECK(error_of(OK + "Content-Length: 18446744073709551617\r\n\r\n", 5) == too_large);
    CHECK(error_of(chunked + "6\r\n", 5) == too_large);
    CHECK(error_of(chunked + "2\r\nhe\r\n4\r\n", 5) == too_large);
    CHECK(error_of(chunked + "2\r\nhe\r\nffffffffffffffff\r\n", 5) == too_large);
    CHECK(error_of(chunked + "10000000000000001\r\n", 5) == too_large);
    CHECK(parse(OK + "\r\n", 0).body().empty());
    CHECK(error_of(OK + "\r\nx", 0) == "page larger than 0 bytes");

    const std::string long_header = "header larger than 65536 bytes";
    CHECK(error_of(OK + "a: " + std::string(70'000, 'b') + "\r\n\r\n") == long_header);
    CHECK(error_of(OK + repeat("a: b\r\n", 20'000) + "\r\n") == long_header);
    CHECK(error_of(OK + "a: b\r\n" + repeat(" c\r\n", 20'000) + "\r\n") == long_header);
    CHECK(error_of(std::string(70'000, 'x')) == long_header);
    CHECK(error_of(chunked + std::string(70'000, '0')) == long_header);
    CHECK(error_of(chunked + "0\r\n" + repeat("a: b\r\n", 20'000)) == long_header);
    std::string fits = OK + "a: ";
    fits += std::string(65536 - fits.size() - 4, 'b') + "\r\n\r\n";
    CHECK(error_of(fits) == "none");
    std::string chunks = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    check_body(OK + "a: " + std::string(65'484, 'b') + "\r\n" + chunks, "hello"); // just fits
    fits.insert(OK.size() + 3, "b");
    CHECK(error_of(fits) == long_header);
}

TEST_CASE("http: an answer that is cut short is an error") {
    CHECK(error_of("") == "closed without an answer");
    std::string answer = OK + "Content-Type: text/html\r\n\r\n";
    for (std::size_t size = 1; size < answer.size(); ++size) {
        CAPTURE(size);
        CHECK(error_of(std::string_view(answer).substr(0, size)) ==
              "closed in the middle of the header");
    }
    CHECK(error_of(answer) == "none");
}

TEST_CASE("http: nothing changes once it is done") {
    ResponseParser response(LIMIT);
    response.feed(OK + "Content-Length: 1\r\n\r\na");
    CHECK(response.done());
    response.feed("b");
    response.end_of_stream();
    CHECK(response.body() == "a");
    CHECK(!response.error());
    CHECK(response.take_body() == "a");

    ResponseParser failed(LIMIT);
    failed.feed("x\n");
    CHECK(failed.done());
    failed.feed(OK + "\r\n");
    failed.end_of_stream();
    CHECK(failed.error() == "not an HTTP/1 answer");
}

TEST_CASE("http: the Content-Type says what is HTML") {
    auto is_html = [](const std::string& type) {
        return parse(OK + "Content-Type: " + type + "\r\n\r\n").is_html();
    };
    CHECK(is_html("text/html"));
    CHECK(is_html("Text/HTML ; charset=utf-8"));
    CHECK(is_html("application/xhtml+xml"));
    CHECK(is_html("text/html, text/plain")); // two lines, the first counts
    CHECK(!is_html("text/plain"));
    CHECK(!is_html("text/htmlx"));
    CHECK(!is_html("x; text/html"));
    CHECK(!is_html(""));
    CHECK(!parse(OK + "\r\n<html>").is_html());
}

TEST_CASE("http: a redirect leads where Location says") {
    for (const char* status : {"301", "302", "303", "307", "308"}) {
        CHECK(parse("HTTP/1.1 " + std::string(status) + " x\r\nLocation: /a\r\n\r\n")
                  .location() == "/a");
    }
    for (const char* status : {"200", "201", "300", "304", "305", "404"}) {
        CHECK(!parse("HTTP/1.1 " + std::string(status) + " x\r\nLocation: /a\r\n\r\n")
                   .location());
    }
    CHECK(!parse("HTTP/1.1 301 x\r\n\r\n").location());
    CHECK(parse("HTTP/1.1 301 x\r\nLocation:\r\n\r\n").location() == "");
    CHECK(parse("HTTP/1.1 301 x\r\nlocation: /a,b\r\nlocation: /c\r\n\r\n").location() ==
          "/a,b");
}

TEST_CASE("http: a megabyte may come byte by byte") {
    std::string body = repeat("0123456789abcdef", 65536);
    std::string answer = OK + "Transfer-Encoding: chunked\r\n\r\n" +
                         repeat("10\r\n0123456789abcdef\r\n", 65536) + "0\r\n\r\n";
    bool is_same = parse(answer, body.size()).body() == body;
    CHECK(is_same);
}

// ---- fuzzing --------------------------------------------------------------------------------

TEST_CASE("fuzz_web: its corpus breaks no rule") {
    std::size_t files = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(SOURCE_DIR "/support/testing/corpus")) {
        std::ifstream file(entry.path(), std::ios::binary);
        std::string input{std::istreambuf_iterator<char>(file), {}};
        CAPTURE(entry.path().string());
        CHECK(!input.empty());
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()),
                               input.size());
        ++files;
    }
    CHECK(files >= 12);
}
