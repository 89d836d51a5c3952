// Experiment: a coroutine receives into its own frame and is destroyed while it waits, as with
// readiness it may. But the kernel still has the addresses. AddressSanitizer finds it.
#include "ring.hpp"
#include "run.hpp"

#include <array>
#include <chrono>
#include <coroutine>
#include <cstring>
#include <iostream>
#include <optional>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

// The sanitizer should end the program with status 1 in any case.
extern "C" const char* __asan_default_options() {
    return "abort_on_error=0";
}

// As in async_socket.hpp, but cancel() only takes the task away, as if this were readiness.
class NaiveReceive : public Suspension, public Request {
  public:
    NaiveReceive(Ring& ring, int fd) : ring_(ring), fd_(fd) {}

    bool await_ready() const { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
        ring_.submit(*this, [this](io_uring_sqe* entry) {
            io_uring_prep_recv(entry, fd_, buffer_.data(), buffer_.size(), 0);
        });
        task_ = TaskBase::current();
        task_->wait(coroutine.promise(), *this);
    }
    std::string_view await_resume() const {
        if (is_cancelled_) {
            throw CancelledError();
        }
        return {buffer_.data(), static_cast<std::size_t>(result_)};
    }
    bool cancel() override {
        is_cancelled_ = true;
        ring_.loop().call_soon([task = task_] { task->step(); });
        return true;
    }

  private:
    void completed(int result, bool, std::string_view) override {
        result_ = result; // by now the kernel has written to buffer_
        task_->step();
    }

    Ring& ring_;
    int fd_;
    TaskBase* task_ = nullptr;
    bool is_cancelled_ = false;
    int result_ = 0;
    std::array<char, 100> buffer_;
};

Coroutine<void> receive(Ring& ring, int fd) {
    co_await NaiveReceive(ring, fd);
}

Coroutine<void> program(EventLoop& loop) {
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    auto ring = Ring::of(loop);
    Task<void> receiving = create_task(receive(*ring, ends[0]));
    co_await sleep(std::chrono::milliseconds(10));
    receiving.cancel(); // the task ends, and its frame goes: with the buffer, and the request
    co_await sleep(std::chrono::milliseconds(10));
    std::cout << "the task is cancelled, and now its peer sends" << std::endl;
    ::send(ends[1], "hello", 5, 0);
    co_await sleep(std::chrono::milliseconds(100));
    std::cout << "it went well, it seems" << std::endl;
}

int main() {
    EventLoop loop;
    run(loop, program(loop));
}
