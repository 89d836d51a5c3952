// Experiment: set_result, with two callbacks waiting. In which order do things happen?
#include "naive_future.hpp"

#include "event_loop.hpp"
#include "future.hpp"

#include <chrono>
#include <iostream>
#include <string>

template <typename F>
void set_result_of(F& future) {
    future.add_done_callback([](const F&) { std::cout << "  the first callback\n"; });
    future.add_done_callback([](const F&) { std::cout << "  the second callback\n"; });
    std::cout << "  before set_result\n";
    future.set_result("data");
    std::cout << "  after set_result\n";
}

int main() {
    std::cout << "NaiveFuture\n";
    NaiveFuture naive;
    set_result_of(naive);

    std::cout << "Future\n";
    EventLoop loop;
    Future<std::string> future(loop);
    set_result_of(future);
    loop.call_later(std::chrono::milliseconds(100), [&loop] { loop.stop(); });
    loop.run_forever();
}
