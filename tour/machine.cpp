// Says what machine and what build the numbers are from, and whether the machine had the time
// to make them: without that they mean nothing.
#include "tour/report.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include <sys/utsname.h>

namespace {

std::string compiler() {
#if defined(__apple_build_version__)
    return "Apple Clang " + std::to_string(__clang_major__) + "." +
           std::to_string(__clang_minor__);
#elif defined(__clang__)
    return "Clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#else
    return "GCC " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#endif
}

// "6.1" of "6.1.0-18-amd64".
std::string main_version(const std::string& release) {
    std::size_t second = release.find('.', release.find('.') + 1);
    return release.substr(0, std::min(second, release.find('-')));
}

} // namespace

Machine this_machine() {
    utsname names{};
    ::uname(&names);
    std::string kernel = names.sysname;
    return {std::thread::hardware_concurrency(),
            kernel + " " + main_version(names.release) + " " + names.machine, compiler(),
            *BUILD_TYPE == '\0' ? "unknown" : BUILD_TYPE};
}

std::string Machine::line() const {
    return std::to_string(cores) + (cores == 1 ? " core, " : " cores, ") + kernel + ", " +
           compiler + ", build type " + build_type;
}

double share_of_cores() {
    unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    std::clock_t used = -std::clock();
    auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < cores; ++i) {
        threads.emplace_back([start] {
            while (std::chrono::steady_clock::now() < start + std::chrono::milliseconds(100)) {
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    used += std::clock(); // of all our threads
    std::chrono::duration<double> passed = Clock::now() - start;
    return double(used) / CLOCKS_PER_SEC / (passed.count() * cores);
}
