// For comparison: the shortest echo server on libuv that sends what it receives. It does not wait
// until that is sent, so its memory has no bound.
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <uv.h>

namespace {

struct Write {
    uv_write_t request;
    uv_buf_t buffer;
};

void allocate(uv_handle_t*, std::size_t size, uv_buf_t* buffer) {
    *buffer = uv_buf_init(static_cast<char*>(std::malloc(size)), static_cast<unsigned>(size));
}

void on_close(uv_handle_t* client) {
    delete reinterpret_cast<uv_tcp_t*>(client);
}

void on_written(uv_write_t* request, int) {
    auto* write = reinterpret_cast<Write*>(request);
    std::free(write->buffer.base);
    delete write;
}

void on_received(uv_stream_t* client, ssize_t received, const uv_buf_t* buffer) {
    if (received <= 0) {
        std::free(buffer->base);
        if (received < 0) {
            uv_close(reinterpret_cast<uv_handle_t*>(client), on_close);
        }
        return;
    }
    auto* write = new Write{{}, uv_buf_init(buffer->base, static_cast<unsigned>(received))};
    uv_write(&write->request, client, &write->buffer, 1, on_written);
}

void on_client(uv_stream_t* listener, int) {
    auto* client = new uv_tcp_t;
    uv_tcp_init(listener->loop, client);
    auto* stream = reinterpret_cast<uv_stream_t*>(client);
    if (uv_accept(listener, stream) == 0) {
        uv_read_start(stream, allocate, on_received);
    } else {
        uv_close(reinterpret_cast<uv_handle_t*>(client), on_close);
    }
}

} // namespace

int main() {
    uv_tcp_t listener;
    uv_tcp_init(uv_default_loop(), &listener);
    sockaddr_in address{};
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0);
    uv_listen(reinterpret_cast<uv_stream_t*>(&listener), SOMAXCONN, on_client);
    int size = sizeof address;
    uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
