// Experiment: everything is ready at once: a callback of call_soon, a socket, a timer. And the
// socket's callback adds another one. In which order does the loop call them?
//
// It can be built with stage 04's loop, too: its order is another.
#include "event_loop.hpp"

#include "common/selector.hpp"

#include <chrono>
#include <iostream>

#include <sys/socket.h>
#include <unistd.h>

int main() {
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    ::send(ends[0], "x", 1, 0);

    EventLoop loop(make_default_selector());
    loop.call_later(std::chrono::seconds(0), [] { std::cout << "the timer\n"; });
    loop.add_reader(ends[1], [&] {
        std::cout << "the socket, which adds a callback\n";
        loop.remove_reader(ends[1]);
        loop.call_soon([&loop] {
            std::cout << "the callback that the socket has added\n";
            loop.stop();
        });
    });
    loop.call_soon([] { std::cout << "the callback that was added before\n"; });
    loop.run_forever();
    ::close(ends[0]);
    ::close(ends[1]);
}
