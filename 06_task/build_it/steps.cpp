// What ./tutorial build-it runs after each step of the README: `steps N` shows what step N has added.
#include "async_socket.hpp"
#include "generator.hpp"
#include "run.hpp"
#include "task.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include <unistd.h>

struct Local {
    std::string name;
    ~Local() { std::cout << "a local variable of " << name << " is destroyed\n"; }
};

Generator<int> count_to(int last) {
    for (int i = 1; i <= last; ++i) {
        co_yield (i);
    }
}

Generator<int, void, std::string> count_and_return() {
    co_yield 1;
    co_return "the end";
}

Generator<std::string, std::string> greet(std::string greeting) {
    Local local{"greet"};
    std::string name = co_yield "who are you?";
    co_yield greeting + ", " + name;
}

Coroutine<void> wait(EventLoop& loop, std::string name) {
    Local local{name};
    std::cout << name << " waits\n";
    co_yield sleep(loop, std::chrono::milliseconds(20));
    std::cout << name << " continues\n";
}

void show_nesting() {
    auto both = []() -> Generator<int> {
        co_yield elements_of(count_to(2));
        co_yield 3;
    };
    Generator<int> generator = both();
    while (std::optional<int> element = generator.next()) {
        std::cout << *element
                  << (*element < 3 ? ", from the inner one\n" : ", from the outer one\n");
    }
}

void show_state() {
    Generator<int> generator = count_to(1);
    std::cout << "called: it has "
              << (generator.promise().has_started ? "started\n" : "not started\n");
    generator.next();
    std::cout << "next: it has "
              << (generator.promise().has_started ? "started\n" : "not started\n");
}

void show_next() {
    Generator<int> generator = count_to(2);
    std::cout << generator.next().value() << ", then " << generator.next().value() << ", then "
              << (generator.next() ? "more\n" : "the end\n");
}

void show_exceptions() {
    auto careful = []() -> Generator<std::string> {
        std::string text = "a value";
        try {
            co_yield text;
        } catch (const std::exception& error) {
            text = error.what();
        }
        co_yield "it has caught: " + text;
    };
    Generator<std::string> generator = careful();
    generator.next();
    std::cout
        << generator.throw_in(std::make_exception_ptr(std::runtime_error("thrown in"))).value()
        << '\n';
}

void show_result() {
    auto outer = []() -> Generator<int, void, std::string> {
        std::string returned = co_yield elements_of(count_and_return());
        co_return "the inner one has returned: " + returned;
    };
    Generator<int, void, std::string> generator = outer();
    while (generator.next()) {
    }
    std::cout << std::move(generator).result() << '\n';
}

void show_generator() {
    Generator<std::string, std::string> greeter = greet("hello");
    try {
        greeter.send("Ann");
    } catch (const std::logic_error& error) {
        std::cout << error.what() << '\n';
    }
    std::cout << greeter.next().value() << '\n';
    std::cout << greeter.send("Ann").value() << '\n';
    greeter.close();
}

void show_future() {
    EventLoop loop;
    Coroutine<void> coroutine = wait(loop, "a coroutine");
    AnyFuture* future = coroutine.next().value();
    future->call_when_done([&] {
        coroutine.next();
        loop.stop();
    });
    loop.run_forever();
}

void show_coroutine() {
    auto outer = [](EventLoop& loop) -> Coroutine<void> {
        co_yield elements_of(wait(loop, "the inner coroutine"));
        std::cout << "the outer one continues, too\n";
        loop.stop();
    };
    EventLoop loop;
    create_task(outer(loop));
    loop.run_forever();
}

void show_task() {
    auto fail = []() -> Coroutine<void> {
        co_yield elements_of([]() -> Coroutine<void> {
            throw std::runtime_error("on purpose");
            co_return;
        }());
    };
    auto wait_and_stop = [](EventLoop& loop) -> Coroutine<void> {
        co_yield elements_of(wait(loop, "a Task"));
        loop.stop();
    };
    EventLoop loop;
    create_task(fail());
    create_task(wait_and_stop(loop));
    loop.run_forever();
    std::cout << "the other has failed alone; now " << Task::pending.size() << " Tasks wait\n";
}

void show_end() {
    EventLoop loop;
    create_task(wait(loop, "a Task"));
    std::cout << "before the end " << Task::pending.size() << " Task waits\n";
    destroy_pending_tasks();
    std::cout << "afterwards " << Task::pending.size() << '\n';
    loop.close();
}

void show_run() {
    auto program = [](EventLoop& loop) -> Coroutine<void> {
        create_task([](EventLoop& the_loop) -> Coroutine<void> {
            co_yield sleep(the_loop, std::chrono::hours(1));
        }(loop));
        co_yield elements_of(wait(loop, "the program"));
    };
    EventLoop loop;
    run(loop, program(loop));
    std::cout << "run has returned, and " << Task::pending.size() << " Tasks are left\n";
}

int main(int argc, char** argv) {
    ::alarm(10); // for a loop that never ends
    void (*const steps[])() = {show_nesting, show_state,     show_next,   show_exceptions,
                               show_result,  show_generator, show_future, show_coroutine,
                               show_task,    show_end,       show_run};
    steps[std::atoi(argv[argc - 1]) - 1]();
}
