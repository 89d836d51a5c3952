// Tests of answers of web servers: whatever a server sends, the result is a value.
#include <doctest/doctest.h>

#include "common/web/http.hpp"
#include "common/web/tests/helpers.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace {

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

TEST_CASE("http: a page is HTML of a status 2xx") {
    auto is_page = [](const std::string& status, const std::string& type) {
        return parse("HTTP/1.1 " + status + " x\r\nContent-Type: " + type + "\r\n\r\n")
            .is_page();
    };
    for (const std::string status : {"200", "201", "203", "206", "226", "299"}) {
        CAPTURE(status);
        CHECK(is_page(status, "text/html"));
        CHECK(!is_page(status, "text/plain"));
    }
    for (const std::string status : {"300", "302", "404", "500"}) {
        CAPTURE(status);
        CHECK(!is_page(status, "text/html"));
    }
}

TEST_CASE("http: only a known Content-Encoding makes a body unreadable") {
    auto is_encoded = [](const std::string& value) {
        std::string header =
            OK + "Content-Encoding: " + value + "\r\nContent-Length: 2\r\n\r\n";
        check_body(header + "ab", "ab"); // the body is there in any case
        return parse(header + "ab").is_encoded();
    };
    for (const std::string value :
         {"gzip", "x-gzip", "GZip ", "deflate", "compress", "x-compress", "br", "zstd",
          "identity, br", "utf-8, gzip"}) {
        CAPTURE(value);
        CHECK(is_encoded(value));
    }
    for (const std::string value :
         {"identity", "Identity ", "", " , ", "none", "utf-8", "UTF-8", "iso-8859-1",
          "windows-1252", "8bit", "binary", "x", "gzipped"}) {
        CAPTURE(value);
        CHECK(!is_encoded(value));
    }
    CHECK(!parse(OK + "\r\nab").is_encoded());
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
