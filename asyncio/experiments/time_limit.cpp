// Experiment: wait_for with a limit of 50 ms. Once what it waits for takes longer; once it is done
// in the very iteration in which the time is up.
#include "run.hpp"
#include "timeout.hpp"

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

Coroutine<int> takes_too_long() {
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        std::cout << "  CancelledError, where it waits\n";
        throw;
    }
    co_return 1;
}

Coroutine<void> program() {
    std::cout << "it takes an hour\n";
    try {
        co_await wait_for(takes_too_long(), 50ms);
    } catch (const TimeoutError& error) {
        std::cout << "  wait_for throws: " << error.what() << '\n';
    }

    std::cout << "it is done when the time is up\n";
    EventLoop& loop = EventLoop::running();
    Future<int> late(loop);
    loop.call_later(50ms, [late] { late.set_result(42); });
    int value = co_await wait_for(late, 50ms);
    std::cout << "  wait_for returns: " << value << '\n';
}

int main() {
    EventLoop loop;
    run(loop, program());
}
