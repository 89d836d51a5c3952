// A generator that yields Futures and the Task that drives it, as one writes them first.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"

#include <coroutine>
#include <csignal>
#include <functional>
#include <memory>
#include <utility>

// What the compiler makes of a function with co_yield: its frame, with the promise in it.
class Generator {
  public:
    struct promise_type;
    using Frame = std::coroutine_handle<promise_type>;

    // co_yield future: the generator stops here, unless the Future is done already.
    template <typename T>
    struct YieldAwaiter {
        Future<T> future;
        bool await_ready() const { return future.done(); }
        void await_suspend(Frame) const {} // whoever has resumed us goes on
        std::add_lvalue_reference_t<T> await_resume() const { return future.result(); }
    };

    struct promise_type {
        std::function<void(Callback)> wait; // for the Future that was yielded last

        Generator get_return_object() { return Generator(Frame::from_promise(*this)); }
        std::suspend_always initial_suspend() { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { throw; } // to whoever has resumed us

        template <typename T>
        YieldAwaiter<T> yield_value(Future<T> future) {
            wait = [future](Callback go_on) {
                future.add_done_callback([go_on](const Future<T>&) { go_on(); });
            };
            return {future};
        }
    };

    explicit Generator(Frame frame) : frame_(frame) {}
    Generator(Generator&& other) : frame_(std::exchange(other.frame_, nullptr)) {}
    ~Generator() {
        if (frame_) {
            frame_.destroy();
        }
    }

    void next() { frame_.resume(); } // to the next co_yield
    bool done() const { return frame_.done(); }
    void wait(Callback go_on) { frame_.promise().wait(std::move(go_on)); }

  private:
    Frame frame_;
};
template <typename>
using Coroutine = Generator; // here none returns a value

class Task : public std::enable_shared_from_this<Task> {
  public:
    explicit Task(Generator generator) : generator_(std::move(generator)) {}

    // Runs the generator to its next wait; the Future that it waits for calls us again.
    void step() {
        generator_.next();
        if (!generator_.done()) {
            generator_.wait([self = shared_from_this()] { self->step(); });
        }
    }

  private:
    Generator generator_;
};

inline void create_task(Generator generator) {
    std::make_shared<Task>(std::move(generator))->step();
}

inline void run(EventLoop& loop, Generator main) {
    for (int signal : {SIGINT, SIGTERM}) {
        loop.add_signal_handler(signal, [&loop] { loop.stop(); });
    }
    create_task(std::move(main));
    loop.run_forever();
}
