// run, from the first coroutine to the last clean-up, and the programs that use it.
#include "coroutine.hpp"
#include "event_loop.hpp"
#include "run.hpp"
#include "task.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include "support/testing/server_process.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

#include <unistd.h>

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("run");

TEST_CASE("run cancels the other tasks when main has ended, and they may clean up") {
    struct Body {
        static Coroutine<void> main(std::string& log) {
            create_task(clean_up_slowly(log));
            co_await sleep(1ms);
        }
    };
    EventLoop loop;
    std::string log;
    run(loop, Body::main(log));
    CHECK(log == "cleaned up");
}

TEST_CASE("run brings a task to its end that stops the loop while it is cancelled") {
    struct Body {
        static Coroutine<void> stop_and_go_on(std::string& log) {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                EventLoop::running().stop();
            }
            co_await sleep(1ms);
            log = "went on";
        }
        static Coroutine<void> main(std::string& log) {
            create_task(stop_and_go_on(log));
            co_await sleep(1ms);
        }
    };
    EventLoop loop;
    std::string log;
    run(loop, Body::main(log));
    CHECK(log == "went on");
    CHECK_FALSE(loop.remove_signal_handler(SIGINT)); // run has done so
}

TEST_CASE("run throws the error of main, and SIGINT and SIGTERM end it without one") {
    struct Body {
        static Coroutine<void> throw_error() {
            co_await sleep(0ms);
            throw std::runtime_error("broken");
        }
        static Coroutine<void> raise_signal(int signal, std::string& log) {
            Witness witness{log, 'W'};
            ::raise(signal);
            co_await sleep(1h);
        }
    };
    EventLoop loop;
    CHECK_THROWS_WITH(run(loop, Body::throw_error()), "broken");
    std::string log;
    run(loop, Body::raise_signal(SIGINT, log));
    run(loop, Body::raise_signal(SIGTERM, log));
    CHECK(log == "WW");
}

TEST_CASE("run: a second SIGINT ends the program though a task refuses to end") {
    struct Body {
        static Coroutine<void> refuse_to_end() {
            while (true) {
                try {
                    co_await sleep(1ms);
                } catch (const CancelledError&) {
                }
                ::raise(SIGINT);
            }
        }
        static Coroutine<void> main() {
            create_task(refuse_to_end());
            co_return;
        }
    };
    Child child(::fork());
    if (child.pid() == 0) {
        ::alarm(10);
        EventLoop loop;
        run(loop, Body::main());
        ::_exit(0);
    }
    CHECK(child.reap().signal == SIGINT);
}

TEST_CASE("producer_consumer ends, with every job done or given up") {
    Finished finished = run_program(PROGRAMS "/producer_consumer", {});
    CHECK(finished.ending.status == 0);
    CHECK(finished.errors == "");
    for (const char* job : {"quick1", "quick2", "quick3"}) {
        CHECK(finished.output.find(std::string("finished ") + job) != std::string::npos);
    }
    for (const char* job : {"slow1", "slow2", "slow3"}) {
        CHECK(finished.output.find(std::string("given up ") + job) != std::string::npos);
    }
    CHECK(finished.output.find("all jobs are done\nworker 1 was cancelled\n") !=
          std::string::npos);
}

TEST_SUITE_END();
