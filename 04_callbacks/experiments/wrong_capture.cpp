// Experiment: a callback captures by reference what is gone when it is called. The program is
// built with AddressSanitizer, which looks at every access to memory.
#include "event_loop.hpp"

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

// The sanitizer should remember the variables of functions that have returned, as newer
// compilers ask it to, and end the program with status 1 on macOS, too.
extern "C" const char* __asan_default_options() {
    return "detect_stack_use_after_return=1:abort_on_error=0";
}

void greet_later(EventLoop& loop, const std::string& name) {
    std::string greeting = "hello, " + name;
    loop.call_later(10ms, [&loop, &greeting] {
        std::cout << greeting << '\n';
        loop.stop();
    });
}

int main() {
    EventLoop loop;
    greet_later(loop, "client");
    loop.run_forever();
}
