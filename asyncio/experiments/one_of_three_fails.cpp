// Experiment: gather runs three coroutines side by side. The one that is done first fails. What
// becomes of the other two?
#include "gather.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

Coroutine<std::string> fetch(std::string name, std::chrono::milliseconds takes) {
    co_await sleep(takes);
    if (name == "broken") {
        throw std::runtime_error("broken: no such page");
    }
    std::cout << "  " << name << " is there\n";
    co_return name;
}

Coroutine<void> program() {
    std::cout << "all are well\n";
    std::vector<std::string> pages =
        co_await gather(fetch("slow", 60ms), fetch("quick", 20ms), fetch("middling", 40ms));
    std::cout << "  gather returns: " << pages[0] << ", " << pages[1] << ", " << pages[2]
              << '\n';

    std::cout << "one fails\n";
    try {
        co_await gather(fetch("slow", 60ms), fetch("broken", 20ms), fetch("middling", 40ms));
    } catch (const std::exception& error) {
        std::cout << "  gather throws: " << error.what() << '\n';
    }
    co_await sleep(100ms);
}

int main() {
    EventLoop loop;
    run(loop, program());
}
