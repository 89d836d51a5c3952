// For comparison: an echo server on libuv that sends at once what the kernel takes, and leaves
// the rest to libuv. It does not wait until that is sent, so its memory has no bound.
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>

#include <arpa/inet.h>
#include <uv.h>

namespace {

struct Rest {
    uv_write_t request;
    std::string data;
};

void lend_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
    static std::array<char, 16 * 1024> memory; // on_received is called before the next loan
    *buffer = uv_buf_init(memory.data(), static_cast<unsigned>(memory.size()));
}

void on_close(uv_handle_t* client) {
    delete reinterpret_cast<uv_tcp_t*>(client);
}

void on_rest_sent(uv_write_t* request, int) {
    delete static_cast<Rest*>(request->data);
}

void on_received(uv_stream_t* client, ssize_t received, const uv_buf_t* buffer) {
    if (received < 0) {
        uv_close(reinterpret_cast<uv_handle_t*>(client), on_close);
        return;
    }
    uv_buf_t data = uv_buf_init(buffer->base, static_cast<unsigned>(received));
    int sent = uv_try_write(client, &data, 1);
    if (sent == received) {
        return;
    }
    auto taken = static_cast<std::size_t>(sent < 0 ? 0 : sent);
    auto* rest =
        new Rest{{}, {buffer->base + taken, static_cast<std::size_t>(received) - taken}};
    rest->request.data = rest;
    data = uv_buf_init(rest->data.data(), static_cast<unsigned>(rest->data.size()));
    uv_write(&rest->request, client, &data, 1, on_rest_sent);
}

void on_client(uv_stream_t* listener, int) {
    auto* client = new uv_tcp_t;
    uv_tcp_init(listener->loop, client);
    auto* stream = reinterpret_cast<uv_stream_t*>(client);
    if (uv_accept(listener, stream) == 0) {
        uv_read_start(stream, lend_buffer, on_received);
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
