// What ./tutorial build-it runs after each step of the README: `steps N` shows what step N has added.
#include "event_loop.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include <unistd.h>

using std::chrono::milliseconds;

struct Pipe { // its reading end becomes readable
    Pipe() { [[maybe_unused]] int made = ::pipe(ends); }
    ~Pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void write() const { [[maybe_unused]] auto written = ::write(ends[1], "x", 1); }
    int ends[2];
};

Callback say(const std::string& text) {
    return [text] { std::cout << text << '\n'; };
}

void show_callback() {
    Callback callback = say("a callback brings along what it needs to know");
    callback();
}

void show_stopping() {
    EventLoop loop;
    loop.call_soon([&loop] { loop.stop(); });
    loop.run_forever();
    std::cout << "run_forever has returned, because a callback has called stop\n";
    loop.call_soon([&loop] {
        loop.stop(std::make_exception_ptr(std::runtime_error("the disk is full")));
    });
    try {
        loop.run_forever();
    } catch (const std::exception& error) {
        std::cout << "run_forever throws what stop was given: " << error.what() << '\n';
    }
    auto client = std::make_shared<int>(1);
    loop.call_soon([client] {});
    loop.close();
    std::cout << "after close, " << client.use_count() - 1 << " callbacks own a client\n";
}

void show_descriptors() {
    EventLoop loop;
    Pipe pipe;
    loop.add_reader(pipe.ends[0], [&] {
        std::cout << "the reader is called\n";
        loop.remove_reader(pipe.ends[0]);
        std::cout << "it is removed: "
                  << (loop.is_watched(pipe.ends[0], READ) ? "no\n" : "yes\n");
        loop.call_later(milliseconds(20), [&loop] { loop.stop(); });
    });
    pipe.write();
    loop.run_forever();
    loop.forget(pipe.ends[0]);
    std::cout << "though the pipe is still readable, it was not called again\n";
}

void show_time() {
    EventLoop loop;
    loop.call_later(milliseconds(30), [&loop] { loop.stop(); });
    loop.call_later(milliseconds(20), say("20 ms later"));
    loop.call_later(milliseconds(10), say("10 ms later"));
    loop.call_soon(say("soon"));
    loop.run_forever();
}

void show_signals() {
    EventLoop loop;
    loop.add_signal_handler(SIGINT, [&loop] {
        std::cout << "SIGINT has arrived, and a callback is called\n";
        loop.stop();
    });
    ::raise(SIGINT);
    loop.run_forever();
}

void show_turn() {
    EventLoop loop;
    Pipe pipe;
    pipe.write();
    loop.add_reader(pipe.ends[0], [&] {
        std::cout << "a ready descriptor comes first\n";
        loop.remove_reader(pipe.ends[0]);
    });
    loop.call_soon([&loop] {
        loop.call_soon([&loop] { loop.stop(); });
        std::cout << "then the queue; what it adds has to wait\n";
    });
    loop.call_soon(say("until the next turn"));
    loop.run_forever();
    loop.forget(pipe.ends[0]);
}

void show_one_descriptor() {
    EventLoop loop;
    Pipe pipe;
    pipe.write();
    auto client = std::make_shared<std::string>(
        "a callback that has removed itself lives until it returns");
    loop.add_reader(pipe.ends[0], [&loop, &pipe, client = std::move(client)] {
        loop.remove_reader(pipe.ends[0]);
        std::cout << *client << '\n';
        loop.call_soon([] { throw std::runtime_error("on purpose"); });
        loop.call_soon([&loop] { loop.stop(); });
    });
    loop.run_forever();
    loop.forget(pipe.ends[0]);
    std::cout << "a callback has thrown, and the loop has called the next one\n";
}

void show_members() {
    auto client = std::make_shared<int>(1);
    {
        EventLoop loop;
        loop.call_later(std::chrono::hours(1), [client] {});
        std::cout << "a timer owns a client: " << client.use_count() - 1 << '\n';
    }
    std::cout << "the loop has gone, and with it the timer: " << client.use_count() - 1 << '\n';
}

int main(int argc, char** argv) {
    ::alarm(10); // for a loop that never ends
    void (*const steps[])() = {show_callback, show_stopping, show_descriptors,    show_time,
                               show_signals,  show_turn,     show_one_descriptor, show_members};
    steps[std::atoi(argv[argc - 1]) - 2](); // step 1 is a program of its own
}
