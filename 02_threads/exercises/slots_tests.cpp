#include <slots.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <atomic>
#include <chrono>
#include <ctime>
#include <future>
#include <latch>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

TEST_CASE("as many as there are slots do not wait") {
    Slots slots(2);
    std::latch both(2);
    step("two threads take a slot each, and meet");
    auto meet = [&] {
        slots.acquire();
        both.arrive_and_wait();
        slots.release();
    };
    std::thread other(meet);
    meet();
    other.join();
    step("now both slots are free, and a third is not");
    CHECK(slots.try_acquire());
    CHECK(slots.try_acquire());
    CHECK(!slots.try_acquire());
}

TEST_CASE("the next one waits until a slot is free") {
    Slots slots(2);
    slots.acquire();
    slots.acquire();
    step("both slots are taken, and a third thread wants one");
    std::future<void> third = std::async(std::launch::async, [&slots] { slots.acquire(); });
    bool has_to_wait = third.wait_for(100ms) == std::future_status::timeout;
    step("one is given back");
    slots.release();
    third.get();
    CHECK(has_to_wait);
    CHECK(!slots.try_acquire());
}

TEST_CASE("each release lets one in") {
    Slots slots(1);
    slots.acquire();
    step("three threads wait for the only slot");
    std::vector<std::future<void>> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.push_back(std::async(std::launch::async, [&slots] { slots.acquire(); }));
    }
    step("it is given back three times");
    for (int i = 0; i < 3; ++i) {
        slots.release();
    }
    for (std::future<void>& thread : waiting) {
        thread.get();
    }
    CHECK(!slots.try_acquire());
}

TEST_CASE("never more than there are slots") {
    Slots slots(3);
    std::atomic<int> inside = 0;
    std::atomic<bool> were_too_many = false;
    std::vector<std::thread> threads;
    step("8 threads take one of 3 slots, 5,000 times each");
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 5'000; ++round) {
                slots.acquire();
                if (++inside > 3) {
                    were_too_many = true;
                }
                --inside;
                slots.release();
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(!were_too_many);
    step("in the end all 3 are free again");
    CHECK(slots.try_acquire());
    CHECK(slots.try_acquire());
    CHECK(slots.try_acquire());
    CHECK(!slots.try_acquire());
}

TEST_CASE("waiting costs no processor time") {
    Slots slots(1);
    slots.acquire();
    step("a thread waits for the only slot, half a second long");
    std::clock_t before = std::clock(); // the processor time of all threads
    std::future<void> waiting = std::async(std::launch::async, [&slots] { slots.acquire(); });
    waiting.wait_for(500ms);
    double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    slots.release();
    waiting.get();
    CHECK(used < 0.1);
}
