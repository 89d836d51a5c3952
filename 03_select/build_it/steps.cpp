// What ./tutorial build-it runs after each step of the README: `steps N` shows what step N has added.
#pragma GCC diagnostic ignored "-Wreturn-type" // of a main with another name
#define main main_of_server
#include "echo_server.cpp"
#undef main

#include <cstdlib>
#include <thread>

#include <unistd.h>

struct Pair { // a client of ours, and the socket at its other end
    static Pair make() {
        int ends[2];
        ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
        Pair pair{Socket(ends[0], "the peer"), Client{Socket(ends[1], "the client"), ""}};
        pair.client.socket.set_blocking(false);
        return pair;
    }
    Socket peer;
    Client client;
};

void show_client() {
    Pair pair = Pair::make();
    std::cout << "a new client has " << pair.client.outgoing.size() << " bytes to get back\n";
}

void show_handler() {
    Pair pair = Pair::make();
    pair.client.outgoing = "hello";
    on_writable(pair.client);
    std::cout << "on_writable sends " << pair.peer.recv(100) << ", and keeps "
              << pair.client.outgoing.size() << " bytes\n";
    pair.client.outgoing.assign(8'000'000, 'x');
    on_writable(pair.client);
    std::cout << "of 8,000,000 bytes it keeps "
              << (pair.client.outgoing.empty() ? "none\n" : "those that do not fit\n");

    pair = Pair::make();
    std::cout << "nothing to receive: the client "
              << (on_readable(pair.client) ? "stays\n" : "goes\n");
    pair.peer.send_all("again");
    on_readable(pair.client);
    std::cout << "on_readable has received " << pair.client.outgoing << '\n';
    echo_handler(pair.client);
    std::cout << "echo_handler sends " << pair.peer.recv(100) << '\n';
    pair.peer.shutdown_write();
    std::cout << "the end of the stream: the client "
              << (echo_handler(pair.client) ? "stays\n" : "goes\n");
}

void show_accept() {
    Socket listener = listen_on("127.0.0.1", 0);
    Socket peer = connect_to(
        "127.0.0.1", static_cast<std::uint16_t>(std::stoi(listener.address().substr(10))));
    listener.set_blocking(false);
    std::list<Client> clients;
    while (clients.empty()) {
        accept_client(listener, clients);
    }
    std::cout << "one has connected, and accept_client has added " << clients.size()
              << " client\n";
}

void show_waiting() {
    Socket listener = listen_on("127.0.0.1", 0);
    Pair silent = Pair::make();
    Pair talkative = Pair::make();
    talkative.peer.send_all("hello");
    std::list<Client> clients;
    clients.push_back(std::move(silent.client));
    clients.push_back(std::move(talkative.client));
    Ready ready = wait(listener, Clock::time_point(), clients);
    for (const Client& client : clients) {
        std::cout << (&client == &clients.front() ? "the silent client is "
                                                  : "the one that has sent hello is ")
                  << (FD_ISSET(client.socket.fd(), &ready.readable) ? "readable\n"
                                                                    : "not ready\n");
    }
}

void show_serving() {
    Socket listener = listen_on("127.0.0.1", 0);
    Pair pair = Pair::make();
    Pair leaving = Pair::make();
    pair.peer.send_all("hello");
    leaving.peer.close();
    std::list<Client> clients;
    clients.push_back(std::move(pair.client));
    clients.push_back(std::move(leaving.client));
    serve_clients(clients, wait(listener, Clock::time_point(), clients));
    std::cout << "one client gets " << pair.peer.recv(100)
              << ", the other has left: " << clients.size() << " stays\n";
}

void show_server() {
    Socket listener = listen_on("127.0.0.1", 0);
    auto port = static_cast<std::uint16_t>(std::stoi(listener.address().substr(10)));
    std::thread(echo_server, std::move(listener)).detach();
    Socket silent = connect_to("127.0.0.1", port);
    Socket talkative = connect_to("127.0.0.1", port);
    talkative.send_all("hello");
    std::string answer = talkative.recv(100);
    std::cout << "beside a silent client another one gets " << answer << std::endl;
    ::_exit(0); // the server never ends
}

int main(int argc, char** argv) {
    ::alarm(10); // for a loop that never ends
    void (*const steps[])() = {show_client,  show_handler, show_accept,
                               show_waiting, show_serving, show_server};
    steps[std::atoi(argv[argc - 1]) - 1]();
}
