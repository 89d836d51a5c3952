// Experiment: one client is connected to the echo server and says nothing. What does
// the server wait for? SIGUSR1 makes it say so.
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <csignal>
#include <iostream>

int main() {
    ServerSetup setup;
    setup.collect_errors = true;
    ServerProcess server(PROGRAMS "/echo_server", setup);

    Socket client = connect_to("127.0.0.1", server.port());
    client.send_all("hello");
    client.recv(5); // the server has a task for us now, and waits again
    std::cout << "the server has one client, and is sent SIGUSR1" << std::endl;
    server.signal(SIGUSR1);
    server.errors_until("await tree");
    server.signal(SIGTERM);
    std::cout << server.errors_until("all that it prints, up to its end");
}
