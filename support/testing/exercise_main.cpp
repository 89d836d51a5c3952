// The main function of the tests of the exercises. A test that hangs ends itself, and says in
// which function it waits.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#ifdef __SANITIZE_ADDRESS__
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS // the sanitizer has more to say of a crash
constexpr unsigned PATIENCE = 60;       // seconds
#else
constexpr unsigned PATIENCE = 10; // run_until() gives up earlier
#endif
#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
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

struct Watchdog : doctest::IReporter {
    explicit Watchdog(const doctest::ContextOptions&) {}
    void test_case_start(const doctest::TestCaseData&) override {
        std::signal(SIGALRM, say_where_it_waits);
        alarm(PATIENCE);
    }
    void test_case_end(const doctest::CurrentTestCaseStats&) override { alarm(0); }

    void report_query(const doctest::QueryData&) override {}
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

} // namespace

REGISTER_LISTENER("watchdog", 1, Watchdog);
