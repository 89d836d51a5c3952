#include "support/testing/verdict.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int verdict_model = 0;

namespace {

std::string server_end; // how a server has ended before its time, in this test

// Whether the process has ended; leaves it there for the call that waits for it.
bool has_ended(pid_t pid, siginfo_t& end) {
    end = {};
    return ::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           end.si_pid == pid;
}

// The first line, and not too much of it.
std::string shortened(const std::string& text) {
    std::string line = text.substr(0, text.find('\n'));
    return line.size() > 200 ? line.substr(0, 200) + " ..." : line;
}

// doctest puts what an exception says into quotes.
std::string without_quotes(const std::string& text) {
    bool is_quoted = text.size() >= 2 && text.starts_with('"') && text.ends_with('"');
    return is_quoted ? text.substr(1, text.size() - 2) : text;
}

// Of the file that is standard error now.
std::string last_line_of_errors() {
    std::array<char, 4096> buffer;
    struct stat file {};
    ::fstat(STDERR_FILENO, &file);
    off_t begin = std::max<off_t>(file.st_size - static_cast<off_t>(buffer.size()), 0);
    ssize_t count = ::pread(STDERR_FILENO, buffer.data(), buffer.size(), begin);
    std::string text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    text.erase(text.find_last_not_of(" \n") + 1);
    return shortened(text.substr(text.rfind('\n') + 1));
}

} // namespace

void keep_errors_of_servers() {
    std::FILE* file = std::tmpfile();
    if (file == nullptr) {
        throw std::system_error(errno, std::generic_category(), "tmpfile");
    }
    ::fcntl(::fileno(file), F_SETFL, O_APPEND); // so that it can be emptied between two tests
    ::dup2(::fileno(file), STDERR_FILENO);
    std::fclose(file);
}

void tell_if_ended(pid_t pid) {
    if (pid == 0) {
        return;
    }
    siginfo_t end{};
    bool is_over = has_ended(pid, end);
    // A process that ends closes its sockets first. So, where something has gone wrong, it may
    // be about to end: it gets half a second.
    for (int i = 0; i < 50 && !is_over && std::uncaught_exceptions() > 0; ++i) {
        ::poll(nullptr, 0, 10);
        is_over = has_ended(pid, end);
    }
    if (is_over) {
        std::string status = std::to_string(end.si_status);
        std::string signal =
            end.si_status == SIGABRT
                ? "by an uncaught exception, or by abort()"
                : std::string("by signal ") + status + ", " + ::strsignal(end.si_status);
        std::string line = last_line_of_errors();
        server_end = end.si_code == CLD_EXITED ? " (the server has ended, with status " + status
                                               : " (the server was terminated " + signal;
        server_end += (line.empty() ? "" : "; its last message: " + line) + ")";
    }
}

namespace {

constexpr int NO_SERVER = 99;

// One of the guarantees, or something besides, and the test cases that check it.
struct Point {
    std::string words;
    int expected_from; // the first model that guarantees it; 0: all
    std::vector<std::string_view> tests;

    int tried = 0;
    std::vector<std::string> failures = {}; // what went wrong, one line each
    std::string skipped = {};               // why a test could not be tried

    bool is_expected() const { return expected_from <= verdict_model || expected_from == 0; }
    std::string answer() const {
        if (!failures.empty()) {
            return is_expected() ? "NO" : "no";
        }
        return tried > 0 ? "yes" : "not tried";
    }
    // What is to be said of an answer that is not "yes", if nothing else explains it.
    std::string explanation() const {
        if (!is_expected() && (tried == 0 || !failures.empty())) {
            return "not every server has to do it";
        }
        return tried == 0 ? "none of its tests could be run" : "";
    }
};

// The numbers are those of README.md, *What every server guarantees*.
std::vector<Point> points = {
    {"1. all bytes come back, in order, and nothing else",
     0,
     {"every byte value comes back", "bytes that come one at a time come back",
      "all lengths from 1 byte to 64 MB come back",
      "messages that are sent without waiting for the echo come back"}},
    {"2. a client that has finished sending still gets everything",
     0,
     {"after a half-close everything comes back and then the end of stream",
      "a half-close while megabytes wait to be sent back loses nothing"}},
    {"3. a client that never reads cannot fill the memory",
     0,
     {"a client that does not read must wait and loses nothing"}},
    {"4. a client that breaks its connection harms no other",
     0,
     {"a client that resets the connection harms no other",
      "a client that leaves without its echo harms no other",
      "clients that connect and vanish harm no other",
      "a client that has gone leaves no descriptor behind"}},
    {"5. without a free descriptor it waits, and does not spin",
     1,
     {"without a free descriptor it waits and does not spin",
      "without a free descriptor for the one client it waits"}},
    {"it can be stopped, continued, ended, and started again on its port",
     0,
     {"SIGSTOP and SIGCONT lose nothing",
      "SIGINT and SIGTERM end it and the port is free at once"}},
    {"many clients are served at once, and none is in another's way",
     2,
     {"a silent client and one that does not read hold up no other",
      "what belongs to one client never reaches another",
      "clients that come and go hold up no other", "1000 clients are served at once"}},
    {"10,000 clients are served at once", 4, {"10000 clients are served at once"}},
    {"SIGINT and SIGTERM end it with status 0",
     4,
     {"SIGINT and SIGTERM end it with status 0",
      "SIGTERM ends it even without a free descriptor"}},
    {"its command line and its messages are those of the servers here",
     NO_SERVER,
     {"it says where it listens", "it listens on an IPv6 address", "--help shows the usage",
      "wrong arguments get one clear line and the usage",
      "an address that cannot be had gets one clear line",
      "it logs clients unless it is told to be quiet"}},
};

int number_of_tests() {
    std::size_t number = 0;
    for (const Point& point : points) {
        number += point.tests.size();
    }
    return static_cast<int>(number);
}

Point& point_of(std::string_view test) {
    for (Point& point : points) {
        if (std::find(point.tests.begin(), point.tests.end(), test) != point.tests.end()) {
            return point;
        }
    }
    return points.emplace_back(Point{"(no point)", 0, {test}, 1, {"has no point"}});
}

constexpr std::size_t WIDTH = 80;

void print_indented(const std::string& text) {
    std::istringstream words(text);
    std::string line = "   ";
    for (std::string word; words >> word;) {
        if (line.size() + 1 + word.size() > WIDTH) {
            std::cout << line << '\n';
            line = "       ";
        }
        line += ' ' + word;
    }
    std::cout << line << '\n';
}

// Takes the place of doctest's own report.
class Verdict : public doctest::IReporter {
  public:
    explicit Verdict(const doctest::ContextOptions&) {}

    void test_case_start(const doctest::TestCaseData& test) override {
        test_ = test.m_name;
        failure_.clear();
        server_end.clear();
        // Drops what the servers of the tests before have said. It cannot fail: the file is ours.
        [[maybe_unused]] int result = ::ftruncate(STDERR_FILENO, 0);
        is_skipped_ = false;
        ++seen_;
        show_progress("test " + std::to_string(seen_) + " of at most " +
                      std::to_string(number_of_tests()) + ": " + test_);
    }

    void log_assert(const doctest::AssertData& data) override {
        if (!data.m_failed || !failure_.empty()) { // what comes later is often a consequence
            return;
        }
        if (data.m_threw) {
            failure_ = without_quotes(data.m_exception.c_str());
        } else if (get_num_active_contexts() > 0) { // the message of CHECK_MESSAGE comes last
            std::ostringstream message;
            get_active_contexts()[get_num_active_contexts() - 1]->stringify(&message);
            failure_ = message.str();
        } else {
            failure_ = "not as it should be: support/testing/wire_tests.cpp, line " +
                       std::to_string(data.m_line);
        }
    }

    void test_case_exception(const doctest::TestCaseException& exception) override {
        if (failure_.empty()) {
            failure_ = exception.error_string.c_str();
        }
    }

    void log_message(const doctest::MessageData& message) override {
        is_skipped_ = true;
        point_of(test_).skipped = message.m_string.c_str();
    }

    void test_case_end(const doctest::CurrentTestCaseStats&) override {
        Point& point = point_of(test_);
        point.tried += is_skipped_ ? 0 : 1;
        if (!failure_.empty()) {
            point.failures.push_back(test_ + ": " + shortened(failure_) + server_end);
        }
    }

    void test_run_end(const doctest::TestRunStats&) override {
        show_progress("");
        for (const Point& point : points) {
            std::string dots(WIDTH - 11 - point.words.size(), '.'); // 11: "not tried"
            std::cout << point.words << ' ' << dots << ' ' << point.answer() << '\n';
            for (const std::string& failure : point.failures) {
                print_indented(failure);
            }
            if (!point.skipped.empty()) {
                print_indented(shortened(point.skipped));
            } else if (!point.explanation().empty()) {
                print_indented(point.explanation());
            }
        }
        print_summary();
    }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

  private:
    static void print_summary() {
        auto expected = std::count_if(points.begin(), points.end(),
                                      [](const Point& point) { return point.is_expected(); });
        auto tried = std::count_if(points.begin(), points.end(), [](const Point& point) {
            return point.is_expected() && point.tried > 0;
        });
        auto broken = std::count_if(points.begin(), points.end(), [](const Point& point) {
            return point.is_expected() && !point.failures.empty();
        });
        std::string all = std::to_string(expected) + " points";
        if (tried == 0) {
            std::cout << "\nNothing is known: of " << all << " none was tried.\n";
        } else if (broken == 0) {
            std::cout << "\nAll is well: of " << all << ' ' << tried
                      << (tried == 1 ? " was" : " were") << " tried, and none is broken.\n";
        } else {
            std::cout << "\nOf " << all << ' ' << tried << (tried == 1 ? " was" : " were")
                      << " tried, and " << broken << (broken == 1 ? " is" : " are")
                      << " broken.\n";
        }
        if (verdict_model == 0) {
            std::cout << "Nothing was expected that depends on how the server waits: "
                         "--like 01, 02, 03 or\n04 expects what the server of that stage "
                         "guarantees.\n";
        }
    }

    // On a terminal only; the next line overwrites it.
    static void show_progress(const std::string& text) {
        if (::isatty(STDOUT_FILENO) != 0) {
            std::cout << "\r\033[K" << text.substr(0, WIDTH - 1) << std::flush;
        }
    }

    int seen_ = 0; // test cases
    std::string test_;
    std::string failure_; // the first of this test
    bool is_skipped_ = false;
};

REGISTER_REPORTER("verdict", 0, Verdict);

} // namespace

const char* suites_of_model() {
    switch (verdict_model) {
    case 1:
        return "every server,one at a time";
    case 2:
    case 3:
        return "every server,concurrent";
    default:
        return "every server,concurrent,event loop";
    }
}

bool is_well() {
    bool is_tried = false;
    for (const Point& point : points) {
        if (point.is_expected()) {
            is_tried = is_tried || point.tried > 0;
            if (!point.failures.empty()) {
                return false;
            }
        }
    }
    return is_tried;
}
