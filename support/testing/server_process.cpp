#include "support/testing/server_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#ifdef __APPLE__
#include <libproc.h>
#include <mach/mach_time.h>
#endif

extern char** environ;

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

[[noreturn]] void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
    Descriptor reading;
    Descriptor writing;
};

Pipe make_pipe() {
    int ends[2];
    if (::pipe(ends) == -1) {
        throw_errno("pipe");
    }
    // Not for the programs we start: a copy that one of them holds would hide the end of file.
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<char*> as_argv(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    for (std::string& text : strings) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

#ifdef __linux__
// From now on the kernel answers each call of accept4 with `error`, seccomp(2).
void make_accept_fail(int error) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_accept4, 0, 1), // another one: skip a line
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{std::size(filter), filter};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#endif

// Starts `program` with `output` as its standard output and `errors` as its standard error
// (-1: ours).
Child start(const std::string& program, const ServerSetup& setup, int output, int errors) {
    std::vector<std::string> arguments = setup.arguments;
    arguments.insert(arguments.begin(), program);
    std::vector<std::string> environment = setup.environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        environment.emplace_back(*entry);
    }
    std::vector<char*> argv = as_argv(arguments);
    std::vector<char*> envp = as_argv(environment);
    pid_t pid = ::fork();
    if (pid == -1) {
        throw_errno("fork");
    }
    if (pid == 0) { // from here on only what is safe in a signal handler
#ifdef __linux__
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that is killed leaves no server behind
#endif
        ::dup2(output, STDOUT_FILENO);
        if (errors != -1) {
            ::dup2(errors, STDERR_FILENO);
        }
        if (setup.max_fds != 0) {
            rlimit limit{setup.max_fds, setup.max_fds};
            ::setrlimit(RLIMIT_NOFILE, &limit);
        }
        if (setup.max_address_space != 0) {
            rlimit limit{setup.max_address_space, setup.max_address_space};
            ::setrlimit(RLIMIT_AS, &limit);
        }
#ifdef __linux__
        if (setup.accept_error != 0) {
            make_accept_fail(setup.accept_error);
        }
#endif
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    return Child(pid);
}

// Appends to `text` what is in the pipe, waiting until there is something. False: end of file.
bool read_some(const Descriptor& pipe, std::string& text) {
    std::array<char, 4096> buffer;
    ssize_t count = -1;
    do {
        count = ::read(pipe.get(), buffer.data(), buffer.size());
    } while (count == -1 && errno == EINTR);
    text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return count > 0;
}

} // namespace

bool wait_for(int fd, short events, milliseconds timeout) {
    auto end = Clock::now() + timeout;
    while (true) {
        auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
        pollfd entry{fd, events, 0};
        int result = ::poll(&entry, 1, std::max(0, static_cast<int>(left.count())));
        if (result != -1) {
            return result == 1;
        }
        if (errno != EINTR) {
            throw_errno("poll");
        }
    }
}

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

void stay_on_one_core() {
#ifdef __linux__
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &cores);
    if (::sched_setaffinity(0, sizeof cores, &cores) == -1) {
        throw_errno("sched_setaffinity");
    }
#endif
}

bool can_make_accept_fail() {
#ifdef __linux__ // tries it: i386 calls accept by another number, and a kernel may have no filters
    pid_t pid = ::fork();
    if (pid == -1) {
        throw_errno("fork");
    }
    if (pid == 0) {
        make_accept_fail(EXFULL);
        ::accept4(-1, nullptr, nullptr, 0);
        ::_exit(errno == EXFULL ? 0 : 1);
    }
    return Child(pid).reap().status == 0;
#else
    return false;
#endif
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Descriptor::~Descriptor() {
    if (fd_ != -1) {
        ::close(fd_);
    }
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

Child& Child::operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
}

Child::~Child() {
    if (pid_ != 0) {
        ::kill(pid_, SIGKILL);
        reap();
    }
}

Ending Child::reap() {
    int status = 0;
    pid_t result = 0;
    do { // a child that was traced may first report that it has stopped
        result = ::waitpid(pid_, &status, 0);
    } while (result == -1 ? errno == EINTR : WIFSTOPPED(status));
    pid_ = 0;
    if (WIFSIGNALED(status)) {
        return {-1, WTERMSIG(status)};
    }
    return {WEXITSTATUS(status), 0};
}

Finished run_program(const std::string& program, const std::vector<std::string>& arguments,
                     milliseconds timeout) {
    Pipe output = make_pipe();
    Pipe errors = make_pipe();
    ServerSetup setup;
    setup.arguments = arguments;
    Child child = start(program, setup, output.writing.get(), errors.writing.get());
    output.writing = Descriptor();
    errors.writing = Descriptor();

    Finished finished{};
    auto end = Clock::now() + timeout;
    std::array<pollfd, 2> pipes{pollfd{output.reading.get(), POLLIN, 0},
                                pollfd{errors.reading.get(), POLLIN, 0}};
    while (pipes[0].fd != -1 || pipes[1].fd != -1) { // poll ignores the descriptor -1
        auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
        int count = ::poll(pipes.data(), pipes.size(), std::max(0, int(left.count())));
        if (count == 0) {
            throw std::runtime_error(program + " has not ended in time");
        }
        if (count == -1) {
            continue; // EINTR
        }
        if (pipes[0].revents != 0 && !read_some(output.reading, finished.output)) {
            pipes[0].fd = -1;
        }
        if (pipes[1].revents != 0 && !read_some(errors.reading, finished.errors)) {
            pipes[1].fd = -1;
        }
    }
    finished.ending = child.reap();
    return finished;
}

ServerProcess::ServerProcess(const std::string& program, const ServerSetup& setup) {
    Pipe output = make_pipe();
    Pipe errors = make_pipe();
    child_ = start(program, setup, output.writing.get(),
                   setup.collect_errors ? errors.writing.get() : -1);
    output_ = std::move(output.reading);
    errors_ = std::move(errors.reading);
    output.writing = Descriptor(); // or we would not see the end of file

    std::string line;
    while (line.find('\n') == std::string::npos) {
        if (!wait_for(output_.get(), POLLIN, patience)) {
            throw std::runtime_error(program + " does not say that it listens");
        }
        if (!read_some(output_, line)) {
            Ending ending = child_.reap(); // status 127: it could not be started
            throw std::runtime_error(program + " has ended before it listened: status " +
                                     std::to_string(ending.status) + ", signal " +
                                     std::to_string(ending.signal));
        }
    }
    const std::string greeting = "listening on ";
    std::size_t colon = line.rfind(':');
    if (!line.starts_with(greeting) || colon == std::string::npos || line.back() != '\n') {
        throw std::runtime_error(program + " says something else: " + line);
    }
    address_ = line.substr(greeting.size(), line.size() - greeting.size() - 1);
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
}

void ServerProcess::signal(int number) {
    if (pid() == 0) { // kill(0, ...) would be for us
        throw std::runtime_error("the server has ended");
    }
    if (::kill(pid(), number) == -1) {
        throw_errno("kill");
    }
}

void ServerProcess::stop() {
    signal(SIGSTOP);
    int status = 0;
    while (::waitpid(pid(), &status, WUNTRACED) == -1 && errno == EINTR) {
    }
    if (!WIFSTOPPED(status)) {
        throw std::runtime_error("the server has ended");
    }
}

void ServerProcess::resume() {
    signal(SIGCONT);
}

Ending ServerProcess::wait() {
    auto end = Clock::now() + patience;
    std::string rest;
    do { // its end closes its standard output
        auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
        if (!wait_for(output_.get(), POLLIN, std::max(left, milliseconds(0)))) {
            throw std::runtime_error("the server does not end");
        }
    } while (read_some(output_, rest));
    return child_.reap();
}

std::string ServerProcess::errors_until(const std::string& text) {
    auto end = Clock::now() + patience;
    while (errors_text_.find(text) == std::string::npos) {
        auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
        if (!wait_for(errors_.get(), POLLIN, std::max(left, milliseconds(0)))) {
            std::string wanted = text.substr(0, text.find('\n'));
            throw std::runtime_error("the server does not say '" + wanted +
                                     "' on standard error" +
                                     (errors_text_.empty() ? "" : ", only: " + errors_text_));
        }
        if (!read_some(errors_, errors_text_)) {
            break;
        }
    }
    return errors_text_;
}

#ifdef __APPLE__

namespace {

rusage_info_v2 usage_of(pid_t pid) {
    rusage_info_v2 usage{};
    if (::proc_pid_rusage(pid, RUSAGE_INFO_V2, reinterpret_cast<rusage_info_t*>(&usage)) != 0) {
        throw_errno("proc_pid_rusage");
    }
    return usage;
}

proc_taskinfo task_of(pid_t pid) {
    proc_taskinfo info{};
    if (::proc_pidinfo(pid, PROC_PIDTASKINFO, 0, &info, sizeof info) <= 0) {
        throw_errno("proc_pidinfo");
    }
    return info;
}

} // namespace

double ServerProcess::cpu_seconds() const {
    rusage_info_v2 usage = usage_of(pid());
    mach_timebase_info_data_t unit{};
    ::mach_timebase_info(&unit);
    return static_cast<double>(usage.ri_user_time + usage.ri_system_time) * unit.numer /
           unit.denom / 1e9;
}

std::size_t ServerProcess::memory_bytes() const {
    return usage_of(pid()).ri_phys_footprint;
}

std::size_t ServerProcess::address_space_bytes() const {
    return task_of(pid()).pti_virtual_size;
}

std::size_t ServerProcess::thread_count() const {
    return static_cast<std::size_t>(task_of(pid()).pti_threadnum);
}

#else

namespace {

// The first three numbers of statm(5), which counts pages.
struct Pages {
    std::size_t all = 0;
    std::size_t resident = 0;
    std::size_t shared = 0; // with a file: the code
};

Pages pages_of(pid_t pid) {
    std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
    Pages pages;
    if (!(statm >> pages.all >> pages.resident >> pages.shared)) {
        throw std::runtime_error("cannot tell the memory of the server");
    }
    return pages;
}

std::size_t page_size() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace

double ServerProcess::cpu_seconds() const {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(pid(), &clock) != 0 || ::clock_gettime(clock, &used) == -1) {
        throw std::runtime_error("cannot tell the CPU time of the server");
    }
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

std::size_t ServerProcess::memory_bytes() const {
    Pages pages = pages_of(pid());
    return (pages.resident - pages.shared) * page_size();
}

std::size_t ServerProcess::address_space_bytes() const {
    return pages_of(pid()).all * page_size();
}

std::size_t ServerProcess::thread_count() const {
    std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid()) + "/task");
    return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

#endif
