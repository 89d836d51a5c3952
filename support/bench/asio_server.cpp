// For comparison: the echo server that Boost.Asio's documentation would have you write, with its
// coroutines.
#include <array>
#include <cstdio>
#include <utility> // awaitable.hpp of Boost 1.74 forgets it

#include <boost/asio.hpp>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> echo_handler(tcp::socket client) {
    std::array<char, 4096> data;
    try {
        while (true) {
            std::size_t size =
                co_await client.async_read_some(asio::buffer(data), asio::use_awaitable);
            co_await asio::async_write(client, asio::buffer(data, size), asio::use_awaitable);
        }
    } catch (const boost::system::system_error&) { // the end of the stream is one, too
    }
}

asio::awaitable<void> echo_server(tcp::acceptor listener) {
    while (true) {
        tcp::socket client = co_await listener.async_accept(asio::use_awaitable);
        asio::co_spawn(listener.get_executor(), echo_handler(std::move(client)),
                       asio::detached);
    }
}

} // namespace

int main() {
    asio::io_context context(1);
    tcp::acceptor listener(context, {asio::ip::address_v4::loopback(), 0});
    std::printf("listening on 127.0.0.1:%d\n", listener.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, echo_server(std::move(listener)), asio::detached);
    context.run();
}
