// The await tree, of a loop and of the echo server.
#include "await_tree.hpp"
#include "event_loop.hpp"
#include "future.hpp"
#include "task.hpp"
#include "timeout.hpp"

#include "tests/coroutines.hpp"
#include "tests/testing.hpp"

#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <optional>
#include <sstream>
#include <string>

TEST_SUITE_BEGIN("await_tree");

TEST_CASE("the await tree shows every task and where it waits") {
    EventLoop loop;
    reports_of(loop);
    Future<int> future(loop);
    std::string log;
    Task<void> inner = create_task(loop, wait_two_levels_down(future, log));
    create_task(loop, wait_for(inner, std::nullopt));
    run_one_iteration(loop);
    create_task(loop, append(log, 'z'));
    std::ostringstream out;
    print_await_tree(loop, out);
    std::string tree = out.str();
    CAPTURE(tree);
    CHECK(tree.starts_with("await tree of 3 tasks\n"));
    auto has = [&](const std::string& text) { return tree.find(text) != std::string::npos; };
    std::string number = std::to_string(tasks_of(loop).begin()->first);
    CHECK(has("Task-" + number + "\n  wait_two_levels_down  coroutines.hpp:"));
    CHECK(has("\n    wait_for_it  coroutines.hpp:"));
    CHECK(has("\n  await_in_time  timeout.hpp:"));
    CHECK(has("\n    Task-" + number + "\n")); // what that one waits for
    CHECK(has("\n  has not started\n"));
}

TEST_CASE("the await tree of one task") {
    EventLoop loop;
    std::string log;
    create_task(loop, append(log, 'a'));
    std::ostringstream out;
    print_await_tree(loop, out);
    CHECK(out.str().starts_with("await tree of 1 task\n"));
}

TEST_CASE("on SIGUSR1 the echo server prints its await tree, and goes on") {
    ServerSetup setup;
    setup.collect_errors = true;
    ServerProcess server(PROGRAMS "/echo_server", setup);
    Socket client = connect_to("127.0.0.1", server.port());
    client.send_all("x");
    CHECK(client.recv(1) == "x");
    server.signal(SIGUSR1);
    std::string errors = server.errors_until("echo_handler");
    CHECK(errors.find("await tree of 2 tasks") != std::string::npos);
    CHECK(errors.find("  echo_server  echo_server.cpp:") != std::string::npos);
    client.send_all("y");
    CHECK(client.recv(1) == "y");
}

TEST_SUITE_END();
