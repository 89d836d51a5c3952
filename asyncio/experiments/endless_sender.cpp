// Experiment: a task sends again and again, to a peer that always has room, so send_all never has
// to wait. A callback is ready. After how many messages does the loop call it?
//
// It can be built with the headers of stage 07, too.
#include "async_socket.hpp"
#include "run.hpp"

#include "common/selector.hpp"
#include "common/socket.hpp"

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

Coroutine<void> send_without_end(EventLoop& loop, AsyncSocket socket, Socket& peer) {
    int sent = 0;
    std::optional<int> called_after;
    loop.call_soon([&] { called_after = sent; });
    while (sent < 1000 && !called_after) { // so that the experiment ends
        co_await socket.send_all("x");
        peer.recv(1); // so there is always room
        ++sent;
    }
    std::cout << sent << " messages; the callback was " << (called_after ? "" : "not ")
              << "called\n";
}

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    const std::string& address = listener.address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    Socket peer = connect_to("127.0.0.1", port);

    EventLoop loop(make_default_selector());
    run(loop, send_without_end(loop, AsyncSocket(loop, listener.accept()), peer));
}
