#include "common/trace.hpp"

#include "common/selector.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace {

// The format calls a group of lanes a process and a lane a thread; these are numbers
// of our own.
constexpr int CONNECTIONS = 1;
constexpr int THREADS = 2;

template <typename Number>
std::string member(const char* name, Number value) {
    return '"' + std::string(name) + "\":" + std::to_string(value);
}

class Trace {
  public:
    explicit Trace(const char* path)
        : fd_(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)) {
        write_line("[");
        write_line(
            R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"connections"}},)");
        write_line(R"({"name":"process_name","ph":"M","pid":2,"args":{"name":"threads"}},)");
    }

    void begin(int group, long lane, const std::string& name, const std::string& members = "") {
        event(group, lane, R"("ph":"B","name":")" + name + '"', members);
    }
    void end(int group, long lane) { event(group, lane, R"("ph":"E")", ""); }
    void note(int group, long lane, const std::string& name, const std::string& members) {
        event(group, lane, R"("ph":"i","s":"t","name":")" + name + '"', members);
    }

    // The lane of a connection, found by its descriptor while that is open.
    void open_lane(int fd, const std::string& name) {
        std::lock_guard lock(mutex_);
        long lane = ++last_connection_;
        lanes_[fd] = lane;
        name_lane(CONNECTIONS, lane, name);
        note(CONNECTIONS, lane, "connected", member("fd", fd));
        begin(CONNECTIONS, lane, "waits for input");
    }

    // What has happened to a connection, and the state it is in now; null: the same as before.
    void record(int fd, const char* what, const std::string& members, const char* state) {
        std::lock_guard lock(mutex_);
        if (auto lane = lanes_.find(fd); lane != lanes_.end()) {
            note(CONNECTIONS, lane->second, what, members);
            if (state != nullptr) {
                end(CONNECTIONS, lane->second);
                begin(CONNECTIONS, lane->second, state);
            }
        }
    }

    void close_lane(int fd) {
        std::lock_guard lock(mutex_);
        if (auto lane = lanes_.find(fd); lane != lanes_.end()) {
            note(CONNECTIONS, lane->second, "closed", "");
            end(CONNECTIONS, lane->second);
            lanes_.erase(lane);
        }
    }

    long thread_lane();
    long next_iteration() { return ++iterations_; }

    // What comes later, from a thread that goes on while the program ends, is not recorded.
    void finish() {
        write_line(R"({"name":"trace","ph":"M","pid":2,"args":{"name":"complete"}})"
                   "\n]");
        std::lock_guard lock(file_mutex_);
        fd_ = -1;
    }

  private:
    void name_lane(int group, long lane, const std::string& name) {
        write_line(R"({"name":"thread_name","ph":"M","pid":)" + std::to_string(group) +
                   ",\"tid\":" + std::to_string(lane) + R"(,"args":{"name":")" + name +
                   "\"}},");
    }

    void event(int group, long lane, const std::string& what, std::string members) {
        using namespace std::chrono;
        if (group == CONNECTIONS) { // which thread has done it
            members = member("thread", thread_lane()) + (members.empty() ? "" : ",") + members;
        }
        auto now = steady_clock::now().time_since_epoch();
        write_line("{" + what +
                   ",\"ts\":" + std::to_string(duration<double, std::micro>(now).count()) +
                   ",\"pid\":" + std::to_string(group) + ",\"tid\":" + std::to_string(lane) +
                   (members.empty() ? "" : ",\"args\":{" + members + "}") + "},");
    }

    // One write, appended: other programs see whole lines. A full disk costs the trace only.
    void write_line(const std::string& text) {
        std::string line = text + "\n";
        std::lock_guard lock(file_mutex_);
        [[maybe_unused]] ssize_t ignored = ::write(fd_, line.data(), line.size());
    }

    std::mutex file_mutex_;
    int fd_;
    std::mutex mutex_; // of what follows; where both are needed, it is the first
    std::map<int, long> lanes_;
    long last_connection_ = 0;
    std::atomic<long> last_thread_ = 0;
    std::atomic<long> iterations_ = 0;
};

const char* trace_file() {
    const char* path = std::getenv("ECHO_TRACE");
    return path == nullptr || *path == '\0' ? nullptr : path;
}

// Made by the first event. Never destroyed: threads may outlive main's statics.
Trace& recorder() {
    static Trace* const instance = [] {
        auto* trace = new Trace(trace_file());
        std::atexit([] { recorder().finish(); });
        return trace;
    }();
    return *instance;
}

template <typename Write>
void write(Write write_to) {
    if (trace::before_event != nullptr) {
        trace::before_event();
    }
    bool was_writing = std::exchange(trace::is_writing, true);
    write_to(recorder());
    trace::is_writing = was_writing;
}

// The lane of a thread, which ends with it.
struct ThreadLane {
    long number;
    explicit ThreadLane(long the_number) : number(the_number) {}
    ThreadLane(const ThreadLane&) = delete;
    ThreadLane& operator=(const ThreadLane&) = delete;
    ~ThreadLane() {
        write([this](Trace& trace) { trace.note(THREADS, number, "ends", ""); });
    }
};

long Trace::thread_lane() {
    thread_local ThreadLane lane(++last_thread_);
    thread_local bool is_named = false;
    if (!std::exchange(is_named, true)) {
        name_lane(THREADS, lane.number, "thread " + std::to_string(lane.number));
    }
    return lane.number;
}

} // namespace

const bool is_tracing = trace_file() != nullptr;

void (*trace::before_event)() = nullptr;
thread_local bool trace::is_writing = false;

void trace::listen(int fd) {
    note("listens", member("fd", fd));
}

void trace::open_connection(int fd, const std::string& name) {
    write([&](Trace& trace) { trace.open_lane(fd, name); });
}

void trace::received(int fd, std::size_t count) {
    write([&](Trace& trace) {
        trace.record(fd, "received", member("bytes", count), count > 0 ? "echoes" : nullptr);
    });
}

void trace::sent(int fd, std::size_t count, std::size_t wanted) {
    write([&](Trace& trace) {
        trace.record(fd, "sent", member("bytes", count) + "," + member("wanted", wanted),
                     count == wanted ? "waits for input" : nullptr);
    });
}

void trace::close_connection(int fd) {
    write([&](Trace& trace) { trace.close_lane(fd); });
}

void trace::begin_call(const char* name, int fd) {
    write([&](Trace& trace) {
        trace.begin(THREADS, trace.thread_lane(), name, member("fd", fd));
    });
}

void trace::begin_iteration(const char* call, int timeout_ms) {
    write([&](Trace& trace) {
        trace.begin(THREADS, trace.thread_lane(), call,
                    member("iteration", trace.next_iteration()) + "," +
                        member("timeout", timeout_ms));
    });
}

void trace::end_call() {
    write([](Trace& trace) { trace.end(THREADS, trace.thread_lane()); });
}

void trace::note(const char* name, const std::string& members) {
    write([&](Trace& trace) { trace.note(THREADS, trace.thread_lane(), name, members); });
}

void trace::note_descriptor(const char* name, int fd, unsigned events) {
    note(name, member("fd", fd) + R"(,"events":")" + ((events & READ) != 0 ? "r" : "") +
                   ((events & WRITE) != 0 ? "w" : "") + '"');
}
