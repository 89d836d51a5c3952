// Tests of links in HTML. Much of the input is wrong on purpose: the result is a value all the same.
#include <doctest/doctest.h>

#include "common/web/html.hpp"
#include "common/web/tests/helpers.hpp"
#include "common/web/url.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace {

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

} // namespace

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
    for (const std::string name : {"xmp", "iframe", "noembed", "noframes"}) {
        CAPTURE(name);
        CHECK(references("<" + name + " src=s><a href=no></b></" + name + "><a href=a>") ==
              Strings{"s", "a"});
    }
    CHECK(references("<a href=a><plaintext></plaintext><a href=no>") == Strings{"a"});
    CHECK(references("<noscript><a href=a></noscript><template><a href=b></template>") ==
          Strings{"a", "b"});
}

// HTML 13.2.5.15 to 13.2.5.31
TEST_CASE("html: a script within a comment within a script has its own end tag") {
    auto is_end = [](const std::string& script) { // its last tag
        return references("<script>" + script + "<a href=a>") == Strings{"a"};
    };
    CHECK(is_end("<!-- '<script></script><a href=no>' --></script>"));
    CHECK(is_end("<!-- <SCRIPT src=s></Script ><a href=no></script>"));
    CHECK(is_end("<!-- <script/<script></script\n<a href=no></script>"));
    CHECK(is_end("<!-- <script> --></script>")); // the end of the comment ends both
    CHECK(is_end("<!-- <script> ---></script>"));
    CHECK(is_end("<!--<script></script><script>--></script>"));
    CHECK(is_end("<!-- <script></script> --> <script></script>"));
    CHECK(is_end("<!-- <!-- <script></script><a href=no></script>"));
    CHECK(is_end("<!----><script></script>")); // no comment any more
    CHECK(is_end("<!--><script></script>"));
    CHECK(is_end("<!---><script></script>"));
    CHECK(is_end("<!-- <scripts></script>"));
    CHECK(is_end("<!-- <script</script>")); // a name that contains '<'
    CHECK(is_end("<!- <script></script>"));
    CHECK(is_end("<script></script>"));
    CHECK(is_end("<!-- <script></scripts></script></script>"));
    CHECK(!is_end("<!-- <script> -- ></script>"));
    CHECK(!is_end("<!-- <script></script"));
    CHECK(references("<style><!-- <style></style><a href=a> --></style>") == Strings{"a"});
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
    for (const char* text : {"<",           "<a",
                             "<a ",         "<a href=",
                             "<a href='",   "<!--",
                             "<!-- -",      "-",
                             "</",          "<script>",
                             "<script></",  "</script",
                             "<a href=a>",  "<a/",
                             "=",           "<title></titl",
                             "<a href=&",   "<a href=&#",
                             "<a href=&#0", "<base ",
                             "<script><!-", "<script><!--<script",
                             "<plaintext>"}) {
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
