#include <client_counter.hpp> // the exercise, or its solution

#include "support/testing/exercise_tests.hpp"

#include <atomic>
#include <chrono>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

TEST_CASE("one client after the other") {
    ClientCounter counter;
    step("no client is there yet");
    CHECK(counter.now() == 0);
    CHECK(counter.most() == 0);
    for (int i = 0; i < 3; ++i) {
        step("a client comes");
        Served served(counter);
        CHECK(counter.now() == 1);
        step("and goes");
    }
    CHECK(counter.now() == 0);
    CHECK(counter.most() == 1);
}

TEST_CASE("most() remembers") {
    ClientCounter counter;
    {
        step("three clients come, and go");
        Served first(counter);
        Served second(counter);
        Served third(counter);
        CHECK(counter.now() == 3);
    }
    step("one more comes");
    Served fourth(counter);
    CHECK(counter.now() == 1);
    CHECK_MESSAGE(counter.most() == 3, "most() is to remember when the most were there");
}

TEST_CASE("a handler that is left by an exception") {
    ClientCounter counter;
    step("a client comes, and its handler throws");
    try {
        Served served(counter);
        throw std::runtime_error("connection reset");
    } catch (const std::exception&) {
    }
    CHECK(counter.now() == 0);
    CHECK(counter.most() == 1);
}

TEST_CASE("many threads at once") {
    constexpr int COUNT = 20;
    ClientCounter counter;
    std::latch all_are_in(COUNT + 1);
    std::latch may_leave(1);
    std::vector<std::thread> threads;
    step("20 threads serve a client each, all at the same time");
    for (int i = 0; i < COUNT; ++i) {
        threads.emplace_back([&] {
            Served served(counter);
            all_are_in.arrive_and_wait();
            may_leave.wait();
        });
    }
    all_are_in.arrive_and_wait();
    int now = counter.now();
    may_leave.count_down();
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(now == COUNT);
    step("all have gone");
    CHECK(counter.now() == 0);
    CHECK(counter.most() == COUNT);
}

TEST_CASE("no change gets lost") {
    constexpr int COUNT = 4;
    step("40 times: 4 threads serve one client after the other, for 50 ms without a pause");
    for (int round = 0; round < 40; ++round) {
        ClientCounter counter;
        std::vector<std::thread> threads;
        std::atomic<bool> is_wrong = false;
        auto end = std::chrono::steady_clock::now() + 50ms;
        for (int i = 0; i < COUNT; ++i) {
            threads.emplace_back([&] {
                while (std::chrono::steady_clock::now() < end) {
                    for (int client = 0; client < 1000; ++client) {
                        Served served(counter);
                    }
                    Served served(counter);
                    int now = counter.now(); // with the one that is served here
                    is_wrong = is_wrong || now < 1 || now > COUNT;
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        bool is_right = counter.now() == 0 && counter.most() <= COUNT && !is_wrong;
        REQUIRE_MESSAGE(is_right,
                        "two threads changed the number at once, and a change got lost");
    }
}
