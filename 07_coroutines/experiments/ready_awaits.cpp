// Experiment: a loop that awaits 100,000 coroutines, none of which has to wait. How much stack
// does that take, if the compiler does not optimize?
#include "run.hpp"

#include "common/selector.hpp"

#include <iostream>

#include <sys/wait.h>
#include <unistd.h>

Coroutine<void> is_ready() {
    co_return;
}

Coroutine<void> program() {
    for (int i = 0; i < 100'000; ++i) {
        co_await is_ready();
    }
}

int main() {
    std::cout << "100,000 awaits: " << std::flush;
    pid_t child = fork();
    if (child == 0) {
        EventLoop loop(make_default_selector());
        run(loop, program());
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        std::cout << "ended by signal " << WTERMSIG(status) << '\n';
    } else {
        std::cout << "done\n";
    }
}
