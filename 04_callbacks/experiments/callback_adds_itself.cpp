// Experiment: a callback adds itself again and again. In its tenth call data comes for a socket.
// When is it the socket's turn?
#include "event_loop.hpp"

#include "common/selector.hpp"

#include <functional>
#include <iostream>

#include <sys/socket.h>

int main() {
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    EventLoop loop(make_default_selector());

    int calls = 0;
    std::function<void()> add_again = [&] {
        if (++calls == 10) {
            ::send(ends[0], "x", 1, 0);
        }
        if (calls < 1000) { // so that the experiment ends
            loop.call_soon(add_again);
        }
    };
    loop.call_soon(add_again);
    loop.add_reader(ends[1], [&] {
        std::cout << "data came in call 10; the socket was served after call " << calls << '\n';
        loop.stop();
    });
    loop.run_forever();
}
