#include "tour/syscalls.hpp"

#include <atomic>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <system_error>
#include <thread>

#ifdef __linux__

#include <sys/ptrace.h>
#include <sys/wait.h>

namespace {

// What the thread that traces and the thread of the client share.
struct Shared {
    std::promise<void> attached;
    std::atomic<bool> is_counting = false;
    std::atomic<bool> is_finished = false;
    std::size_t calls = 0; // read it when the tracing thread has ended
};

// Attaches to every thread of the server without changing what it does (PTRACE_SEIZE), then has
// it stop once, so that trace() can say how it goes on.
void attach(pid_t server) {
    std::filesystem::directory_iterator threads("/proc/" + std::to_string(server) + "/task");
    for (const auto& entry : threads) {
        pid_t thread = std::stoi(entry.path().filename());
        long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
        if (::ptrace(PTRACE_SEIZE, thread, nullptr, options) == -1 ||
            ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == -1) {
            throw std::system_error(errno, std::generic_category(), "ptrace");
        }
    }
}

// A thread of its own: only the thread that attached may ask, and when it ends, the kernel lets
// the server go on untraced.
void trace(pid_t server, Shared& shared) {
    try {
        attach(server);
        shared.attached.set_value();
    } catch (...) {
        shared.attached.set_exception(std::current_exception());
        return;
    }
    std::set<pid_t> inside; // threads that are inside a system call
    while (!shared.is_finished) {
        int status = 0;
        pid_t thread = ::waitpid(-1, &status, __WALL);
        if (thread == -1 && errno != EINTR) {
            return; // the server has died; the client will notice
        }
        if (thread == -1 || !WIFSTOPPED(status)) {
            continue;
        }
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) { // enters a system call, or leaves it
            bool enters = inside.insert(thread).second;
            if (!enters) {
                inside.erase(thread);
            } else if (shared.is_counting) {
                ++shared.calls;
            }
            signal = 0;
        } else if (status >> 16 != 0) { // stopped for us; otherwise the signal is the server's
            signal = 0;
        }
        ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
    }
}

void make_round_trips(Socket& client, std::size_t count) {
    const std::string message = std::string(63, 'm') + '\n';
    for (std::size_t i = 0; i < count; ++i) {
        round_trip(client, message);
    }
}

} // namespace

SystemCalls count_system_calls(const ServerProcess& server, std::size_t round_trips) {
    Socket client = connect_client(server);
    make_round_trips(client, 20); // so that the server has accepted us, and knows us

    Shared shared;
    std::thread tracer(trace, server.pid(), std::ref(shared));
    std::exception_ptr error;
    try {
        shared.attached.get_future().get();
        make_round_trips(client, 20); // being interrupted has cost the server a call
        shared.is_counting = true;
        make_round_trips(client, round_trips);
        shared.is_counting = false;
    } catch (...) {
        error = std::current_exception();
    }
    shared.is_finished = true;
    client.close(); // gives the server something to do, so that the tracer wakes up
    tracer.join();
    try {
        if (error) {
            std::rethrow_exception(error);
        }
    } catch (const std::system_error& failed) {
        if (failed.code() == std::errc::operation_not_permitted) {
            return {0, 0, "we may not trace the server"};
        }
        throw;
    }
    return {shared.calls, round_trips, ""};
}

#else

SystemCalls count_system_calls(const ServerProcess&, std::size_t) {
    return {0, 0, "only Linux lets us count its calls"};
}

#endif
