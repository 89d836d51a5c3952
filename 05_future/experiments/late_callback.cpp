// Experiment: a callback is added to a Future that is done already. Is it called, and when?
#include "naive_future.hpp"

#include "event_loop.hpp"
#include "future.hpp"

#include <chrono>
#include <iostream>
#include <string>

void try_naive_future() {
    NaiveFuture future;
    future.set_result("data");
    bool is_called = false;
    future.add_done_callback([&is_called](NaiveFuture&) { is_called = true; });
    std::cout << "NaiveFuture\n  add_done_callback has returned\n"
              << (is_called ? "  the callback was called\n"
                            : "  the callback was not called\n");
}

void try_future() {
    EventLoop loop;
    Future<std::string> future(loop);
    future.set_result("data");

    std::cout << "Future\n";
    loop.call_soon([future] {
        future.add_done_callback([](Future<std::string> done) {
            std::cout << "  the callback is called, with " << done.result() << '\n';
        });
        std::cout << "  add_done_callback has returned\n";
    });
    loop.call_soon([] { std::cout << "  the last callback of this iteration\n"; });
    loop.call_later(std::chrono::milliseconds(100), [&loop] { loop.stop(); });
    loop.run_forever();
}

int main() {
    try_naive_future();
    try_future();
}
