// A thread with an event loop of its own, which runs one coroutine and the tasks that it starts.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

#include "common/selector.hpp"

#include <memory>
#include <thread>
#include <utility>

// A loop belongs to one thread, so you share nothing with this one: pass what the coroutine needs
// by value. The calls you may make from outside are those of a LoopThread.
class LoopThread {
  public:
    // Starts the thread, which runs `main(loop)`. To be called by a task: ended() is a Future of
    // the loop that runs here.
    template <typename Main>
    LoopThread(std::unique_ptr<Selector> selector, Main main)
        : loop_(std::move(selector)), main_(create_task(loop_, main(loop_))),
          ended_(EventLoop::running()), thread_([this] { run(); }) {}
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;
    // Cancels all tasks of the thread, and waits until they have ended.
    ~LoopThread();

    // Done when the coroutine has ended, or with the exception that it has thrown.
    Future<void> ended() const { return ended_; }

  private:
    void run();

    EventLoop loop_;
    Task<void> main_;    // of loop_
    Future<void> ended_; // of the loop that has made us
    std::thread thread_;
};

// How many loops make use of this machine: one for each core, or what the environment variable
// LOOPS says.
int number_of_loops();
