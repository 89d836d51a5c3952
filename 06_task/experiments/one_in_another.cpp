// Experiment: a generator that waits for another generator. With the headers of sketch/ it does
// not compile.
#include "run.hpp"

#include "common/selector.hpp"

#include <iostream>

Coroutine<void> inner() {
    std::cout << "  the inner one runs\n";
    co_return;
}

Coroutine<void> outer() {
    std::cout << "the outer one begins\n";
    co_yield inner();
    std::cout << "the outer one goes on\n";
}

int main() {
    EventLoop loop(make_default_selector());
    run(loop, outer());
}
