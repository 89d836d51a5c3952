// One event loop for each core, each in its own thread and with its own listener on the one port.
#include "async_socket.hpp"
#include "gather.hpp"
#include "loop_thread.hpp"
#include "run.hpp"

#include "common/command_line.hpp"
#include "common/log.hpp"

#include <iostream>
#include <list>

// That of echo_server.cpp: it cannot tell how many loops there are.
Coroutine<void> echo_handler(AsyncSocket client) {
    log_line(client.address(), "connected");
    try {
        while (true) {
            std::string data = co_await client.recv(4096);
            if (data.empty()) {
                break;
            }
            co_await client.send_all(data);
        }
        log_line(client.address(), "disconnected");
    } catch (const std::exception& error) {
        log_line(client.address(), error.what());
    }
}

Coroutine<void> echo_server(AsyncSocket listener) {
    while (true) {
        create_task(echo_handler(co_await listener.accept()));
    }
}

Coroutine<void> many_loops(const LoopServerOptions& options, int loops) {
    Socket first = listen_on(options.host, options.port);
    std::list<LoopThread> others;
    std::vector<Future<void>> servers;
    for (int i = 1; i < loops; ++i) {
        others.emplace_back(make_selector(options.selector), [&first](EventLoop& loop) {
            return echo_server(AsyncSocket(loop, listen_beside(first)));
        });
        servers.push_back(others.back().ended());
    }
    log_listening(first.address());
    servers.push_back(create_task(echo_server({EventLoop::running(), std::move(first)})));
    co_await gather(servers);
}

int main(int argc, char** argv) {
    try {
        LoopServerOptions options = parse_loop_server_options(argc, argv);
        EventLoop loop(make_selector(options.selector));
        run(loop, many_loops(options, number_of_loops()));
    } catch (const std::exception& error) {
        std::cerr << "echo_server: " << error.what() << '\n';
        return 1;
    }
}
