#include "tour/server.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/resource.h>
#include <sys/wait.h>

#ifdef __APPLE__
#include <libproc.h>
#endif

namespace {

// std::nullopt: the server is still there.
std::optional<std::string> how_it_ended(const ServerProcess& server) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(server.pid()), &info, WEXITED | WNOHANG | WNOWAIT) ==
        -1) {
        return "the server has died";
    }
    if (info.si_pid == 0 || info.si_code == CLD_TRAPPED) { // the latter: it was just traced
        return std::nullopt;
    }
    if (info.si_code == CLD_EXITED) {
        return "the server has ended with status " + std::to_string(info.si_status);
    }
    return "the server was killed by signal " + std::to_string(info.si_status) + " (" +
           ::strsignal(info.si_status) + ")";
}

} // namespace

void with_server(const Stage& stage, const std::function<void(ServerProcess&)>& use,
                 const ServerSetup& setup) {
    std::optional<std::string> problem;
    try {
        ServerProcess server(program_of(stage), setup);
        try {
            use(server);
        } catch (const std::exception& error) {
            problem = error.what();
            // If it is dying: its sockets are closed before the end can be seen.
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
        if (std::optional<std::string> end = how_it_ended(server)) {
            problem = end;
        }
    } catch (const std::exception& error) {
        problem = error.what();
    }
    if (problem) {
        throw std::runtime_error(stage.name + ": " + *problem);
    }
}

#ifdef __APPLE__

std::size_t thread_count(const ServerProcess& server) {
    proc_taskinfo info{};
    if (::proc_pidinfo(server.pid(), PROC_PIDTASKINFO, 0, &info, sizeof info) <= 0) {
        throw std::runtime_error("cannot tell the number of threads of the server");
    }
    return static_cast<std::size_t>(info.pti_threadnum);
}

#else

std::size_t thread_count(const ServerProcess& server) {
    std::filesystem::directory_iterator threads("/proc/" + std::to_string(server.pid()) +
                                                "/task");
    return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

#endif

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    // macOS calls its hard limit infinite, and then refuses more than 10,240.
    for (rlim_t wanted : {rlim_t(20'000), rlim_t(10'240)}) {
        rlimit raised{std::min(wanted, limit.rlim_max), limit.rlim_max};
        if (raised.rlim_cur > limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            break;
        }
    }
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<std::size_t>(std::min(limit.rlim_cur, rlim_t(20'000)));
}
