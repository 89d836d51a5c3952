// Experiment: two sockets can be read in the same iteration. Whichever callback comes first
// removes both. Is the other one called?
#include "event_loop.hpp"

#include "common/selector.hpp"

#include <iostream>

#include <sys/socket.h>

int main() {
    int one[2];
    int other[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, one);
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, other);
    ::send(one[0], "x", 1, 0);
    ::send(other[0], "x", 1, 0);

    EventLoop loop(make_default_selector());
    auto remove_both = [&] {
        loop.remove_reader(one[1]);
        loop.remove_reader(other[1]);
        std::cout << "a callback is called, and has removed both\n";
        loop.stop();
    };
    loop.add_reader(one[1], remove_both);
    loop.add_reader(other[1], remove_both);
    loop.run_forever();
}
