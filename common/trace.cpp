#include "common/trace.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace {

// The format calls a group of lanes a process and a lane a thread; these are numbers
// of our own.
constexpr int CONNECTIONS = 1;
constexpr int THREADS = 2;

class Trace {
  public:
    explicit Trace(const char* path)
        : fd_(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)) {
        write_line("[");
        write_line(
            R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"connections"}},)");
        write_line(R"({"name":"process_name","ph":"M","pid":2,"args":{"name":"threads"}},)");
    }

    void name_lane(int group, long lane, const std::string& name) {
        write_line(R"({"name":"thread_name","ph":"M","pid":)" + std::to_string(group) +
                   ",\"tid\":" + std::to_string(lane) + R"(,"args":{"name":")" + name +
                   "\"}},");
    }

    void begin(int group, long lane, const std::string& name) {
        event(group, lane, "\"ph\":\"B\",\"name\":\"" + name + "\"");
    }

    void end(int group, long lane) { event(group, lane, "\"ph\":\"E\""); }

    // The lane of a connection, found by its descriptor while that is open.
    void open_lane(int fd, const std::string& name) {
        std::lock_guard lock(mutex_);
        long lane = ++last_connection_;
        lanes_[fd] = lane;
        name_lane(CONNECTIONS, lane, name);
        begin(CONNECTIONS, lane, "waits for input");
    }

    void next_state(int fd, const char* state) {
        std::lock_guard lock(mutex_);
        if (auto lane = lanes_.find(fd); lane != lanes_.end()) {
            end(CONNECTIONS, lane->second);
            begin(CONNECTIONS, lane->second, state);
        }
    }

    void close_lane(int fd) {
        std::lock_guard lock(mutex_);
        if (auto lane = lanes_.find(fd); lane != lanes_.end()) {
            end(CONNECTIONS, lane->second);
            lanes_.erase(lane);
        }
    }

    long thread_lane() {
        thread_local long lane = 0;
        if (lane == 0) {
            lane = ++last_thread_;
            name_lane(THREADS, lane, "thread " + std::to_string(lane));
        }
        return lane;
    }

  private:
    void event(int group, long lane, const std::string& what) {
        using namespace std::chrono;
        // In the lane of a connection: which thread has done it.
        std::string by = group == CONNECTIONS
                             ? R"(,"args":{"thread":)" + std::to_string(thread_lane()) + "}"
                             : "";
        auto now = steady_clock::now().time_since_epoch();
        write_line("{" + what +
                   ",\"ts\":" + std::to_string(duration<double, std::micro>(now).count()) +
                   ",\"pid\":" + std::to_string(group) + ",\"tid\":" + std::to_string(lane) +
                   by + "},");
    }

    // One write, appended: lines of several threads never mix. A full disk costs
    // the trace only.
    void write_line(const std::string& text) {
        std::string line = text + "\n";
        [[maybe_unused]] ssize_t ignored = ::write(fd_, line.data(), line.size());
    }

    int fd_;
    std::mutex mutex_;
    std::map<int, long> lanes_;
    long last_connection_ = 0;
    std::atomic<long> last_thread_ = 0;
};

const char* trace_file() {
    const char* path = std::getenv("ECHO_TRACE");
    return path == nullptr || *path == '\0' ? nullptr : path;
}

// Made by the first event. Never destroyed: threads may outlive main's statics.
Trace& recorder() {
    static Trace* const instance = new Trace(trace_file());
    return *instance;
}

} // namespace

const bool is_tracing = trace_file() != nullptr;

void trace::open_connection(int fd, const std::string& name) {
    recorder().open_lane(fd, name);
}

void trace::next_state(int fd, const char* state) {
    recorder().next_state(fd, state);
}

void trace::close_connection(int fd) {
    recorder().close_lane(fd);
}

void trace::begin_call(const char* name) {
    recorder().begin(THREADS, recorder().thread_lane(), name);
}

void trace::end_call() {
    recorder().end(THREADS, recorder().thread_lane());
}
