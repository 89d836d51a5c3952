// Experiment: a client connects to the server of stage 01 and says nothing. What becomes of the
// next one?
#include "common/socket.hpp"
#include "support/testing/server_process.hpp"

#include <chrono>
#include <iostream>

#include <poll.h>

int main() {
    using namespace std::chrono_literals;
    ServerProcess server(PROGRAMS "/echo_server");

    Socket silent = connect_to("127.0.0.1", server.port());
    std::cout << "the silent client is connected\n";

    Socket talkative = connect_to("127.0.0.1", server.port());
    std::cout << "the talkative client is connected, too\n";
    talkative.send_all("hello");
    std::cout << "the talkative client has sent hello\n";

    bool has_answer = wait_for(talkative.fd(), POLLIN, 500ms);
    std::cout << (has_answer ? "it has an answer\n" : "after 500 ms it has no answer\n");

    silent.close();
    std::cout << "the silent client leaves\n";
    std::cout << "the talkative client gets " << talkative.recv(5) << '\n';
}
