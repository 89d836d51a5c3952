// io_uring: a queue of operations that we hand to the kernel, and a queue of completions that it
// hands back. There is one ring for each event loop, which watches the ring's descriptor as any
// other: readable means that there are completions. The loop itself knows nothing about this.
#pragma once

#include "event_loop.hpp"

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <liburing.h>

// An operation. From submit() until its last completion the kernel has its address, and that of
// the memory it reads or writes, so neither may go away before.
class Request {
  public:
    // The kernel has done a part: `result` is what the system call would have returned, or a
    // negative errno. `has_more`: others follow (multishot); otherwise the kernel has let go, and
    // the request may be destroyed. `data` is what a multishot receive has received, valid
    // during this call.
    virtual void completed(int result, bool has_more, std::string_view data) = 0;

  protected:
    ~Request() = default;
};

class Ring {
  public:
    // The ring of the loop, which makes it at the first call and closes it when it is closed
    // itself. Where there is no io_uring, or we may not use it, this ends the program: with one
    // line, and status 77, which tests take for "skipped".
    static std::shared_ptr<Ring> of(EventLoop& loop);

    explicit Ring(EventLoop& loop); // throws std::system_error
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring();

    EventLoop& loop() const { return loop_; }
    // Whether one request may have many completions, and receive into buffers of the ring.
    bool has_multishot() const { return !buffers_.empty(); }

    // Adds a request, which prepare(io_uring_sqe*) describes. All requests that the callbacks of
    // this turn add go out with one system call. Throws std::runtime_error after close().
    template <typename Prepare>
    void submit(Request& request, Prepare prepare) {
        io_uring_sqe* entry = next_entry();
        prepare(entry);
        io_uring_sqe_set_data(entry, &request);
        ++in_flight_;
    }
    // For the preparation of a multishot receive: takes its memory from our buffers, whenever
    // data comes. So a client that is silent needs none.
    static void use_buffers(io_uring_sqe* entry);

    // How often requests have gone out, each time with one system call.
    std::size_t flushes() const { return flushes_; }

    // Asks the kernel to end a request early. It may be too late, so there is a last completion
    // in any case, with -ECANCELED or with what has happened.
    void cancel(Request& request);

    // Ends all requests, and returns when the kernel has let go of the last one: their memory may
    // be freed after that. From then on completed() is for cleaning up only.
    void close();
    bool is_closed() const { return is_closed_; }

  private:
    void set_up_buffers();
    void give_back(unsigned buffer);
    io_uring_sqe* next_entry();
    void on_readable();
    void flush();
    void take_completions();
    void complete(const io_uring_cqe& completion);

    EventLoop& loop_;
    io_uring ring_{};
    std::size_t in_flight_ = 0; // requests whose last completion is still to come
    std::size_t flushes_ = 0;
    bool will_flush_ = false; // in this turn or the next
    bool is_closed_ = false;

    // Memory for what is received. The kernel picks a buffer when data comes; we copy the data,
    // and give the buffer back at once.
    std::vector<char> buffers_; // empty: no multishot
    io_uring_buf_ring* free_buffers_ = nullptr;
};
