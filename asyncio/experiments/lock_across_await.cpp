// Experiment: a task holds a lock while it waits, and another task of the same thread wants it.
// First with a lock that blocks the thread, then with one that is awaited.
#include "queue.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <semaphore>

using namespace std::chrono_literals;

// A mutex would never return (and a thread that locks its mutex twice is undefined
// behavior). A semaphore blocks in the same way, but it can give up.
struct BlockingLock {
    std::binary_semaphore is_free{1};

    Coroutine<bool> lock() { co_return is_free.try_acquire_for(1s); }
    void unlock() { is_free.release(); }
};

// A queue with one token: the task that has taken it out has the lock.
struct AwaitedLock {
    struct Token {};
    Queue<Token> queue;

    AwaitedLock() { unlock(); }
    Coroutine<bool> lock() {
        co_await queue.get();
        co_return true;
    }
    void unlock() { queue.put_nowait(Token()); }
};

template <typename Lock>
Coroutine<void> wait_with_lock(Lock& lock) {
    co_await lock.lock();
    std::cout << "  task 1 has the lock and sleeps for 100 ms\n";
    Clock::time_point start = Clock::now();
    co_await sleep(100ms);
    bool is_late = Clock::now() - start > 900ms;
    std::cout << "  task 1 wakes up " << (is_late ? "far too late" : "in time") << '\n';
    lock.unlock();
}

template <typename Lock>
Coroutine<void> want_lock(Lock& lock) {
    std::cout << "  task 2 wants the lock\n";
    bool has_lock = co_await lock.lock();
    std::cout << "  task 2 " << (has_lock ? "has the lock" : "gives up after 1 s") << '\n';
}

template <typename Lock>
Coroutine<void> two_tasks(const char* name) {
    std::cout << name << '\n';
    Lock lock;
    Task<void> first = create_task(wait_with_lock(lock));
    Task<void> second = create_task(want_lock(lock));
    co_await first;
    co_await second;
}

Coroutine<void> program() {
    co_await two_tasks<BlockingLock>("a lock that blocks the thread");
    co_await two_tasks<AwaitedLock>("a lock that is awaited");
}

int main() {
    EventLoop loop;
    run(loop, program());
}
