// Experiment: one callback throws. What becomes of the one behind it?
#include "event_loop.hpp"

#include "common/selector.hpp"

#include <exception>
#include <iostream>
#include <stdexcept>

int main() {
    EventLoop loop(make_default_selector());
    loop.call_soon([] { throw std::runtime_error("a client sent nonsense"); });
    loop.call_soon([&loop] {
        std::cout << "the other client is served\n";
        loop.stop();
    });
    try {
        loop.run_forever();
        std::cout << "the loop was stopped\n";
    } catch (const std::exception& error) {
        std::cout << "run_forever throws: " << error.what() << '\n';
    }
}
