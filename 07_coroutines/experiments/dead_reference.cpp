// Experiment: a coroutine takes its parameter by reference, and continues when the object no
// longer exists. This is undefined behavior; AddressSanitizer finds it.
#include "async_socket.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <string>

// The sanitizer should end the program with status 1 on macOS, too.
extern "C" const char* __asan_default_options() {
    return "abort_on_error=0";
}

Coroutine<void> say_goodbye(EventLoop& loop, const std::string& name) {
    co_await sleep(loop, std::chrono::milliseconds(10));
    std::cout << "goodbye, " << name << std::endl;
}

Coroutine<void> greet(EventLoop& loop, std::string name) {
    std::cout << "hello, " << name << std::endl;
    create_task(say_goodbye(loop, name));
    co_return;
}

Coroutine<void> program(EventLoop& loop) {
    create_task(greet(loop, "Ada"));
    co_await sleep(loop, std::chrono::milliseconds(100));
}

int main() {
    EventLoop loop;
    run(loop, program(loop));
}
