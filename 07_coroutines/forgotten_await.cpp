// What happens if one forgets co_await: the coroutine is made, not run, and destroyed. A test
// makes sure that the compiler warns of the marked line; this file belongs to no program.
#include "task.hpp"

#include <chrono>

Coroutine<void> wait_a_second() {
    sleep(std::chrono::seconds(1)); // here
    co_return;
}
