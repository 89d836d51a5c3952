// Says what machine and what build the numbers are from: without that they mean nothing.
#include "tour/report.hpp"

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

} // namespace

Machine this_machine() {
    utsname names{};
    ::uname(&names);
    return {std::thread::hardware_concurrency(),
            std::string(names.sysname) + " " + names.release + " " + names.machine, compiler(),
            *BUILD_TYPE == '\0' ? "unknown" : BUILD_TYPE};
}

std::string Machine::line() const {
    return std::to_string(cores) + (cores == 1 ? " core, " : " cores, ") + kernel + ", " +
           compiler + ", build type " + build_type;
}
