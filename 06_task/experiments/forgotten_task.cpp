// Experiment: a generator-based coroutine is called, but no Task is made of it.
#include "async_socket.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>
#include <memory>
#include <string>

// A shared_ptr knows how many own the text: we, and each frame that has a copy.
using Text = std::shared_ptr<std::string>;

Coroutine<void> say(Text text) {
    std::cout << "  " << *text << '\n';
    co_return;
}

Coroutine<void> program(EventLoop& loop) {
    Text text = std::make_shared<std::string>("hello");
    std::cout << "it is called\n";
    {
        Coroutine<void> hello = say(text);
        std::cout << "  owners of the text: " << text.use_count() << '\n';
        co_yield sleep(loop, std::chrono::milliseconds(10)); // the loop has time to run it
    }
    std::cout << "what the call returned has gone\n  owners of the text: " << text.use_count()
              << '\n';

    std::cout << "it is called and made a Task\n";
    create_task(say(text));
    std::cout << "  owners of the text: " << text.use_count() << '\n';
}

int main() {
    EventLoop loop;
    run(loop, program(loop));
}
