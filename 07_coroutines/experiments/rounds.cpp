// Experiment: a coroutine to look at with a debugger and with other tools (asyncio/TOOLS.md).
#include "coroutine.hpp"
#include "task.hpp"

#include <coroutine>
#include <iostream>
#include <utility>

std::coroutine_handle<> waiting; // the coroutine that waits; in a server, the loop has it

struct Wait {
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { waiting = handle; }
    void await_resume() const {}
};

void play(int round) {
    std::cout << "round " << round << '\n';
}

Coroutine<int> game(int wanted) {
    int rounds = 0;
    while (rounds < wanted) {
        co_await Wait{};
        ++rounds;
        play(rounds);
    }
    co_return rounds;
}

Coroutine<void> program() {
    int rounds = co_await game(3);
    std::cout << rounds << " rounds\n";
}

void resume_it() {
    std::exchange(waiting, nullptr).resume();
}

int main() {
    create_task(program());
    while (waiting) {
        resume_it();
    }
}
