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
    must_end(third, "a thread still waits in acquire(), though release() has made a slot free");
    CHECK_MESSAGE(has_to_wait, "acquire() did not wait for a slot");
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
        must_end(thread,
                 "a thread still waits in acquire(), though release() made a slot free");
    }
    CHECK(!slots.try_acquire());
}

TEST_CASE("a slot that another thread has taken meanwhile") {
    step("100 times: a thread waits for the only slot; when it is given back, another one "
         "takes");
    step("it at once, if it can: then the first has to wait on");
    for (int round = 0; round < 100; ++round) {
        Slots slots(1);
        slots.acquire();
        std::future<void> waiting =
            std::async(std::launch::async, [&slots] { slots.acquire(); });
        waiting.wait_for(1ms); // most likely it waits by now
        slots.release();
        bool is_taken = slots.try_acquire();
        bool waits_on = waiting.wait_for(is_taken ? 5ms : 0ms) == std::future_status::timeout;
        if (is_taken) {
            slots.release();
        }
        must_end(waiting, "a thread still waits in acquire()");
        REQUIRE_MESSAGE((!is_taken || waits_on),
                        "a thread that is woken has to look again whether a slot is free");
    }
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
    CHECK_MESSAGE(!were_too_many, "more threads had a slot than there are slots");
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
    CHECK_MESSAGE(used < 0.02, "a thread that waits has to sleep, not to ask again and again");
}
