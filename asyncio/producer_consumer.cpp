// Queue, gather, wait_for and cancellation at work: two producers, three workers,
// one narrow queue.
#include "gather.hpp"
#include "queue.hpp"
#include "run.hpp"
#include "timeout.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

struct Job {
    std::string name;
    std::chrono::milliseconds takes;
};

// The queue is full most of the time, so put has to wait: this is back-pressure.
Coroutine<void> produce(Queue<Job>& queue, std::string name, std::chrono::milliseconds takes) {
    for (int i = 1; i <= 3; ++i) {
        Job job{name + std::to_string(i), takes};
        co_await queue.put(std::move(job));
    }
}

// Works until it is cancelled.
Coroutine<void> work(Queue<Job>& queue, std::string name) {
    try {
        while (true) {
            Job job = co_await queue.get();
            try {
                co_await wait_for(sleep(job.takes), 250ms);
                std::cout << name << " has finished " << job.name << '\n';
            } catch (const TimeoutError&) {
                std::cout << name << " has given up " << job.name << '\n';
            }
            queue.task_done();
        }
    } catch (const CancelledError&) {
        std::cout << name << " was cancelled\n";
        throw;
    }
}

Coroutine<void> produce_and_consume(Queue<Job>& queue) {
    std::vector<Future<void>> workers;
    for (const char* name : {"worker 1", "worker 2", "worker 3"}) {
        workers.push_back(create_task(work(queue, name)));
    }
    co_await gather(produce(queue, "quick", 100ms), produce(queue, "slow", 1h));
    co_await queue.join(); // until task_done was called for each job
    std::cout << "all jobs are done\n";
    for (const Future<void>& worker : workers) {
        worker.cancel();
    }
    co_await gather(return_exceptions, workers); // until they have ended
}

int main() {
    Queue<Job> queue(2); // here, because after Ctrl-C the workers outlive produce_and_consume
    EventLoop loop;
    run(loop, produce_and_consume(queue));
}
