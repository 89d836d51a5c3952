#include "ring.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>

#include <sys/mman.h>

namespace {

constexpr unsigned ENTRIES = 256;      // requests that go out together
constexpr unsigned COMPLETIONS = 4096; // what does not fit the kernel keeps for later

// Few, so that they stay in the processor's cache: with 1,024 of them each message would be
// written to memory that was not used for long.
constexpr unsigned BUFFERS = 64; // a power of two
constexpr std::size_t BUFFER_SIZE = 4096;
constexpr int BUFFER_GROUP = 0;

[[noreturn]] void throw_error(int error, const char* what) {
    throw std::system_error(error, std::generic_category(), what);
}

// The tests choose with the environment variable IO_URING: "off", or "single" for no multishot.
bool is_chosen(const char* mode) {
    const char* chosen = std::getenv("IO_URING");
    return chosen != nullptr && std::string_view(chosen) == mode;
}

// Whether this kernel knows an operation: how we ask for its version.
bool knows(io_uring& ring, int operation) {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring);
    bool result = probe != nullptr && io_uring_opcode_supported(probe, operation) != 0;
    io_uring_free_probe(probe);
    return result;
}

// The ring as a part of its loop.
struct RingOfLoop {
    std::shared_ptr<Ring> ring;

    ~RingOfLoop() {
        if (ring) {
            ring->close();
        }
    }
};

} // namespace

std::shared_ptr<Ring> Ring::of(EventLoop& loop) {
    auto& ring = loop.local<RingOfLoop>().ring;
    try {
        if (!ring) {
            ring = std::make_shared<Ring>(loop);
        }
    } catch (const std::system_error& error) {
        std::cerr << "io_uring is not available: " << error.code().message() << '\n';
        std::exit(77);
    }
    return ring;
}

Ring::Ring(EventLoop& loop) : loop_(loop) {
    if (is_chosen("off")) {
        throw_error(ENOSYS, "io_uring");
    }
    io_uring_params params{};
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = COMPLETIONS;
    int error = -io_uring_queue_init_params(ENTRIES, &ring_, &params);
    if (error != 0) {
        throw_error(error, "io_uring");
    }
    if (!knows(ring_, IORING_OP_SOCKET)) { // Linux 5.19
        io_uring_queue_exit(&ring_);
        throw_error(ENOSYS, "io_uring");
    }
    if (knows(ring_, IORING_OP_SEND_ZC) && !is_chosen("single")) { // Linux 6.0
        set_up_buffers();
    }
    try {
        loop_.add_reader(ring_.ring_fd, [this] { on_readable(); });
    } catch (...) {
        io_uring_queue_exit(&ring_);
        throw;
    }
}

Ring::~Ring() {
    close();
    io_uring_queue_exit(&ring_);
    if (free_buffers_ != nullptr) {
        ::munmap(free_buffers_, BUFFERS * sizeof(io_uring_buf));
    }
}

void Ring::close() {
    if (is_closed_) {
        return;
    }
    loop_.remove_reader(ring_.ring_fd);
    is_closed_ = true;
    while (in_flight_ > 0) { // again and again: a request that is at work is not cancelled
        if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) { // null: the queue is full
            io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY);
            io_uring_sqe_set_data(entry, nullptr);
        }
        io_uring_submit_and_wait(&ring_, 1);
        take_completions();
    }
}

// ---- buffers ----

void Ring::set_up_buffers() {
    void* memory = ::mmap(nullptr, BUFFERS * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                          MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED) {
        return; // then without multishot
    }
    free_buffers_ = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = BUFFERS;
    registration.bgid = BUFFER_GROUP;
    if (io_uring_register_buf_ring(&ring_, &registration, 0) != 0) {
        return;
    }
    io_uring_buf_ring_init(free_buffers_);
    buffers_.resize(BUFFERS * BUFFER_SIZE);
    for (unsigned buffer = 0; buffer < BUFFERS; ++buffer) {
        give_back(buffer);
    }
}

void Ring::give_back(unsigned buffer) {
    io_uring_buf_ring_add(free_buffers_, buffers_.data() + buffer * BUFFER_SIZE, BUFFER_SIZE,
                          static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(BUFFERS),
                          0);
    io_uring_buf_ring_advance(free_buffers_, 1);
}

void Ring::use_buffers(io_uring_sqe* entry) {
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = BUFFER_GROUP;
}

// ---- submissions ----

io_uring_sqe* Ring::next_entry() {
    if (is_closed_) {
        throw std::runtime_error("the event loop is closed");
    }
    if (!will_flush_) { // outside of on_readable, which flushes in the end
        loop_.call_soon([this] { flush(); });
        will_flush_ = true;
    }
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    while (entry == nullptr) { // the queue is full
        flush();
        entry = io_uring_get_sqe(&ring_);
    }
    return entry;
}

void Ring::flush() {
    will_flush_ = false;
    if (io_uring_sq_ready(&ring_) == 0) {
        return; // without a system call
    }
    ++flushes_;
    int result = io_uring_submit(&ring_);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
        throw_error(-result, "io_uring_enter");
    }
    if (io_uring_sq_ready(&ring_) > 0) { // the kernel has not taken all
        loop_.call_soon([this] { flush(); });
        will_flush_ = true;
    }
}

void Ring::cancel(Request& request) {
    io_uring_sqe* entry = next_entry();
    io_uring_prep_cancel(entry, &request, 0);
    io_uring_sqe_set_data(entry, nullptr); // we do not want to hear of it
}

// ---- completions ----

// The kernel does a send at once where it can, so flushing brings new completions: they are taken
// in the same turn, but only once, because others want their turn, too.
void Ring::on_readable() {
    for (int round = 0; round < 2; ++round) {
        will_flush_ = true;
        take_completions();
        flush();
    }
}

void Ring::take_completions() {
    unsigned count = io_uring_cq_ready(&ring_);
    io_uring_cqe* entry = nullptr;
    for (; io_uring_peek_cqe(&ring_, &entry) == 0; --count) {
        io_uring_cqe completion = *entry;
        io_uring_cqe_seen(&ring_, entry); // first: what is resumed may come back here, to close
        complete(completion);
        if (count <= 1) {
            break;
        }
    }
}

void Ring::complete(const io_uring_cqe& completion) {
    auto* request = static_cast<Request*>(io_uring_cqe_get_data(&completion));
    if (request == nullptr) { // of cancel
        return;
    }
    bool has_more = (completion.flags & IORING_CQE_F_MORE) != 0;
    in_flight_ -= has_more ? 0 : 1;
    if ((completion.flags & IORING_CQE_F_BUFFER) == 0) {
        request->completed(completion.res, has_more, {});
        return;
    }
    unsigned buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    auto size = static_cast<std::size_t>(completion.res > 0 ? completion.res : 0);
    request->completed(completion.res, has_more,
                       {buffers_.data() + buffer * BUFFER_SIZE, size});
    give_back(buffer);
}
