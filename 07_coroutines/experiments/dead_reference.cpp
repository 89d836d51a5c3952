// Experiment: a coroutine takes its parameter by reference, and goes on when the object has
// gone. This is undefined behaviour; AddressSanitizer finds it.
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <string>

// The sanitizer is to end the program with status 1 on macOS, too.
extern "C" const char* __asan_default_options() {
    return "abort_on_error=0";
}

Coroutine<void> say_goodbye(const std::string& name) {
    co_await sleep(std::chrono::milliseconds(10));
    std::cout << "goodbye, " << name << std::endl;
}

Coroutine<void> greet(std::string name) {
    std::cout << "hello, " << name << std::endl;
    create_task(say_goodbye(name));
    co_return;
}

Coroutine<void> program() {
    create_task(greet("Ada"));
    co_await sleep(std::chrono::milliseconds(100));
}

int main() {
    EventLoop loop;
    run(loop, program());
}
