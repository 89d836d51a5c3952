// Shows what every task of a loop waits for, and where in the source: the answer to "why does
// nothing happen?" that a debugger cannot give, because a suspended coroutine is on no stack.
#pragma once

#include "event_loop.hpp"

#include <ostream>

// One block for each task, by age. Outermost coroutine first, as you read calls from main on.
void print_await_tree(EventLoop& loop, std::ostream& out);
