// Experiment: set_result, with two callbacks waiting. In which order do things happen?
#include "event_loop.hpp"
#include "future.hpp"

#include "common/selector.hpp"

#include <chrono>
#include <iostream>
#include <string>

int main() {
    EventLoop loop(make_default_selector());
    Future<std::string> future(loop);
    future.add_done_callback(
        [](const Future<std::string>&) { std::cout << "the first callback\n"; });
    future.add_done_callback(
        [](const Future<std::string>&) { std::cout << "the second callback\n"; });
    std::cout << "before set_result\n";
    future.set_result("data");
    std::cout << "after set_result\n";

    loop.call_later(std::chrono::milliseconds(100), [&loop] { loop.stop(); });
    loop.run_forever();
}
