// Runs our programs as a user would: in a process of their own, with arguments, signals and
// limits. The tests of the servers talk to a ServerProcess over real sockets. Nothing here
// sleeps: whatever a test waits for is something that poll(2) can see.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

// How long a test waits for what should come, before it fails. Long: a loaded machine is slow.
inline std::chrono::milliseconds patience = std::chrono::seconds(20);

// By how much the memory of a program may look larger than it is: the address sanitizer keeps
// what was freed, so it says next to nothing; the thread sanitizer keeps a little
// for each access.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t MEMORY_SLACK = 1024 * 1024 * 1024;
#elif defined(__SANITIZE_THREAD__)
constexpr std::size_t MEMORY_SLACK = 3 * 1024 * 1024;
#else
constexpr std::size_t MEMORY_SLACK = 0;
#endif

// Waits until poll(2) reports one of `events`, an error or a hang-up. False: it
// reported none in time.
bool wait_for(int fd, short events, std::chrono::milliseconds timeout);

// Allows this process, and the programs it starts, as many descriptors as the system lets us
// have, up to 20,000. Returns that number.
std::size_t raise_descriptor_limit();

// Keeps this process, and the programs it starts, on one core: what a measurement of CPU time
// says then does not depend on where the kernel puts them. Does nothing on macOS, which has no
// call for it.
void stay_on_one_core();

// Whether ServerSetup::accept_error has an effect: on Linux, which can filter system calls.
bool can_make_accept_fail();

// How a program has ended.
struct Ending {
    int status; // -1: by a signal
    int signal; // 0: it ended on its own
};

struct Finished {
    Ending ending;
    std::string output;
    std::string errors; // standard error
};

// Runs a program to its end. Throws std::runtime_error if that does not come in time.
Finished run_program(const std::string& program, const std::vector<std::string>& arguments,
                     std::chrono::milliseconds timeout = patience);

// Owns a descriptor.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();

    int get() const noexcept { return fd_; }

  private:
    int fd_;
};

// Owns a child process: kills it in the end, whatever else happens.
class Child {
  public:
    explicit Child(pid_t pid = 0) noexcept : pid_(pid) {}
    Child(Child&& other) noexcept;
    Child& operator=(Child&& other) noexcept;
    ~Child();

    pid_t pid() const noexcept { return pid_; }
    Ending reap(); // waits without limit: call it when the end is known

  private:
    pid_t pid_; // 0: none, or none any more
};

struct ServerSetup {
    std::vector<std::string> arguments = {"--port", "0", "--quiet"};
    std::vector<std::string> environment = {}; // in addition to ours: "NAME=value"
    std::size_t max_fds = 0;                   // RLIMIT_NOFILE; 0: as we have it
    std::size_t max_address_space = 0;         // RLIMIT_AS in bytes; 0: as we have it
    int accept_error = 0;        // each accept fails with this errno; 0: none does
    bool collect_errors = false; // for errors_until(); otherwise they are shown
};

class ServerProcess {
  public:
    // Returns when the server listens. Throws std::runtime_error if that does not come.
    explicit ServerProcess(const std::string& program, const ServerSetup& setup = {});

    const std::string& address() const noexcept { return address_; } // as the server printed it
    std::uint16_t port() const noexcept { return port_; }
    pid_t pid() const noexcept { return child_.pid(); }

    void signal(int number);
    void stop();   // SIGSTOP; returns when the server has stopped
    void resume(); // SIGCONT

    // Waits for the server's end. Throws std::runtime_error if that does not come in time.
    Ending wait();

    // What the server has written to standard error so far, as soon as `text` is in it or the
    // server has ended. Throws std::runtime_error if neither comes in time.
    std::string errors_until(const std::string& text);

    double cpu_seconds() const;       // that all its threads have used
    std::size_t memory_bytes() const; // resident and its own: no code, no files
    std::size_t address_space_bytes() const;
    std::size_t thread_count() const;

  private:
    Child child_;
    Descriptor output_;
    Descriptor errors_;
    std::string errors_text_;
    std::string address_;
    std::uint16_t port_ = 0;
};
