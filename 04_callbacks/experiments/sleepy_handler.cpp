// Experiment: for one message a callback of an echo server takes 200 ms. How long does another
// client wait?
#include "event_loop.hpp"

#include "common/socket.hpp"

#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

#include <sys/socket.h>

using namespace std::chrono_literals;

std::binary_semaphore is_working(0);

// The mistake: it holds the loop, as a long computation would.
void echo_handler(EventLoop& loop, Socket& client) {
    std::string data = client.recv(4096); // does not wait: there is something to receive
    if (data == "work") {
        is_working.release(); // tells the clients that we are here
        std::this_thread::sleep_for(200ms);
    }
    client.send_all(data);
    if (data == "goodbye") {
        loop.stop();
    }
}

// The client's end of a connection, whose other end the loop serves.
Socket connect_to(EventLoop& loop) {
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    auto client = std::make_shared<Socket>(ends[0], "client");
    loop.add_reader(ends[0], [&loop, client] { echo_handler(loop, *client); });
    return Socket(ends[1], "server");
}

void two_clients(Socket busy, Socket other) {
    busy.send_all("work");
    is_working.acquire(); // the callback has begun
    Clock::time_point start = Clock::now();
    other.send_all("hello");
    other.recv(4096);
    std::chrono::duration<double, std::milli> waited = Clock::now() - start;
    std::cout << "the other client waits " << (waited > 100ms ? "more" : "less")
              << " than 100 ms: " << std::round(waited.count()) << " ms\n";
    other.send_all("goodbye");
    other.recv(4096);
}

int main() {
    EventLoop loop;
    Socket busy = connect_to(loop);
    Socket other = connect_to(loop);
    std::thread clients(two_clients, std::move(busy), std::move(other));
    loop.run_forever();
    clients.join();
}
