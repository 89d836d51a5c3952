// Experiment: a function that blocks for 200 ms is left to the executor. Meanwhile a timer of 100 ms
// is due. Which of the two Futures is done first?
#include "executor.hpp"

#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

int main() {
    EventLoop loop;
    Future<int> answer = run_in_executor(loop, [] {
        std::this_thread::sleep_for(200ms); // blocks a thread, and not the loop
        return 42;
    });
    sleep(loop, 100ms).add_done_callback([answer](const Future<void>&) {
        std::cout << "100 ms are over; it is " << (answer.done() ? "done\n" : "not done\n");
    });
    int value = run_until_complete(loop, answer);
    std::cout << "the answer: " << value << '\n';
}
