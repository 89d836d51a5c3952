// The main function of the tests of the exercises. It runs each test case in a process of its
// own, so that the others still run when one crashes or finds a TODO; with arguments it leaves all
// to doctest. A test that hangs ends itself, and says in which function it waits.
#define DOCTEST_CONFIG_IMPLEMENT
#ifdef __SANITIZE_ADDRESS__
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS // the sanitizer has more to say of a crash
constexpr unsigned PATIENCE = 60;       // seconds
#else
constexpr unsigned PATIENCE = 10; // run_until() gives up earlier
#endif
#include <doctest/doctest.h>

#include "support/testing/exercise.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// As in "LineReader::read_line()". Empty if it has no name, as a test case, or is not of
// interest.
std::string name_of(void* address) {
    Dl_info info{};
    if (dladdr(address, &info) == 0 || info.dli_sname == nullptr) {
        return "";
    }
    int status = 0;
    char* readable = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
    std::string name = status == 0 ? readable : "";
    std::free(readable);
    bool is_library = name.rfind("doctest::", 0) == 0 || name.rfind("std::", 0) == 0;
    return is_library || name.empty() ? "" : name.substr(0, name.find_first_of("([")) + "()";
}

// Not everything here may be done in a signal's handler; should it hang, the second alarm ends
// it.
void say_where_it_waits(int) {
    std::signal(SIGALRM, SIG_DFL);
    alarm(2);
    void* stack[64];
    int depth = backtrace(stack, 64);
    std::string message = "    ERROR: after " + std::to_string(PATIENCE) + " s it still waits";
    std::string separator = " in ";
    std::string last;
    for (int i = 0; i < depth; ++i) {
        std::string name = name_of(stack[i]);
        if (!name.empty() && name != last) { // functions of the same name count once
            message += separator + name;
            separator = ", called by ";
            last = name;
        }
    }
    std::cout << message << std::endl;
    std::_Exit(1);
}

std::vector<std::string> test_cases; // filled by doctest when it is asked for a list

struct Watchdog : doctest::IReporter {
    explicit Watchdog(const doctest::ContextOptions&) {}
    void test_case_start(const doctest::TestCaseData&) override {
        std::signal(SIGALRM, say_where_it_waits);
        alarm(PATIENCE);
    }
    void test_case_end(const doctest::CurrentTestCaseStats&) override { alarm(0); }
    void report_query(const doctest::QueryData& query) override {
        for (unsigned i = 0; i < query.num_data; ++i) {
            test_cases.push_back(query.data[i]->m_name);
        }
    }

    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}
};

struct Ended {
    int status; // as waitpid() tells it
    std::string output;

    bool has_crashed() const {
        return WIFSIGNALED(status) &&
               (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
    }
    bool is_to_do() const { return WIFEXITED(status) && WEXITSTATUS(status) == NOT_STARTED; }
};

// Runs the test case of this number, counted from 1.
Ended run_alone(int number) {
    int pipe_ends[2];
    pid_t child = ::pipe(pipe_ends) == 0 ? ::fork() : -1;
    if (child == -1) {
        throw std::system_error(errno, std::generic_category(), "cannot start a test");
    }
    if (child == 0) {
        ::dup2(pipe_ends[1], STDOUT_FILENO);
        ::dup2(pipe_ends[1], STDERR_FILENO);
        ::close(pipe_ends[0]);
        ::close(pipe_ends[1]);
        doctest::Context context;
        context.setOption("first", number);
        context.setOption("last", number);
        std::exit(context.run());
    }
    ::close(pipe_ends[1]);
    Ended ended{};
    char buffer[4096];
    while (ssize_t size = ::read(pipe_ends[0], buffer, sizeof(buffer))) {
        if (size > 0) {
            ended.output.append(buffer, static_cast<std::size_t>(size));
        } else if (errno != EINTR) {
            break;
        }
    }
    ::close(pipe_ends[0]);
    while (::waitpid(child, &ended.status, 0) == -1 && errno == EINTR) {
    }
    return ended;
}

// A line for each test case, and what those that have failed have printed; at the end, what is
// still to be written. The status is that of the worst: failed, not started, passed.
int run_all() {
    const char* listing[] = {"", "--list-test-cases", "--reporters=none"}; // only the Watchdog
    doctest::Context(3, listing).run();
    bool has_failed = false;
    std::set<std::string> to_do;
    for (std::size_t i = 0; i < test_cases.size(); ++i) {
        Ended ended = run_alone(static_cast<int>(i) + 1);
        if (ended.status == 0) {
            std::cout << "passed   " << test_cases[i] << std::endl;
        } else if (ended.is_to_do()) {
            std::cout << "skipped  " << test_cases[i] << std::endl;
            std::size_t begin = ended.output.rfind("not started: ");
            to_do.insert(ended.output.substr(begin, ended.output.find('\n', begin) - begin));
        } else {
            has_failed = true;
            std::cout << (ended.has_crashed() ? "CRASHED  " : "FAILED   ") << test_cases[i]
                      << '\n'
                      << ended.output << std::endl;
        }
    }
    for (const std::string& place : to_do) {
        std::cout << place << std::endl;
    }
    return has_failed ? 1 : to_do.empty() ? 0 : NOT_STARTED;
}

} // namespace

REGISTER_LISTENER("watchdog", 1, Watchdog);

int main(int argc, char** argv) {
    return argc > 1 ? doctest::Context(argc, argv).run() : run_all();
}
