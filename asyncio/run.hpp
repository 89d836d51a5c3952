// Runs a program that is made of tasks: from its first coroutine to the last clean-up. Brings
// along what such a program needs: EventLoop, Future, Task.
#pragma once

#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"

// Cancels all tasks of the loop and runs it until they have ended.
void cancel_all_tasks(EventLoop& loop);

// Runs `main` until it has ended; SIGINT or SIGTERM cancels it, a second one ends the process,
// SIGUSR1 prints the await tree. Then cancels all tasks that are left and lets them end. Throws
// what `main` has thrown. (asyncio.run)
void run(EventLoop& loop, Coroutine<void> main);
