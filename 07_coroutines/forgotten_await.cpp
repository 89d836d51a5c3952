// What happens if you forget co_await: the coroutine is made, not run, and destroyed. A test
// makes sure that the compiler warns of the marked line; this file belongs to no program.
#include "async_socket.hpp"
#include "coroutine.hpp"
#include "event_loop.hpp"

#include <chrono>

Coroutine<void> wait_a_second(EventLoop& loop) {
    co_await sleep(loop, std::chrono::seconds(1));
}

Coroutine<void> wait_two_seconds(EventLoop& loop) {
    co_await wait_a_second(loop);
    wait_a_second(loop); // here
}
