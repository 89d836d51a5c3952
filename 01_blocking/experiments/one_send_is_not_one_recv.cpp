// Experiment: what one send has sent, does one recv receive that? Two short messages, then a
// large one, over a connection whose two ends are both ours.
#include "common/socket.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>

#include <sys/socket.h>

int main() {
    Socket listener = listen_on("127.0.0.1", 0);
    std::string port = listener.address().substr(listener.address().find(':') + 1);
    Socket sender = connect_to("127.0.0.1", static_cast<std::uint16_t>(std::stoi(port)));
    Socket receiver = listener.accept();

    sender.send_all("good");
    sender.send_all("bye");
    char peeked[7];
    ::recv(receiver.fd(), peeked, sizeof peeked,
           MSG_PEEK | MSG_WAITALL); // until both are there
    std::cout << "sent: good, bye\n";
    std::cout << "received: " << receiver.recv(4096) << '\n';

    std::string message(8'000'000, 'x');
    std::thread sending([&] {
        sender.send_all(message);
        sender.close();
    });
    std::string buffer(message.size(), '\0'); // has room for all of it
    std::size_t received = 0;
    int calls = 0;
    while (ssize_t count = ::recv(receiver.fd(), buffer.data(), buffer.size(), 0)) {
        if (count == -1) {
            throw std::system_error(errno, std::generic_category(), "recv");
        }
        received += static_cast<std::size_t>(count);
        ++calls;
    }
    sending.join();
    std::cout << "sent: " << message.size() << " bytes\n";
    std::cout << "received: " << received << " bytes, by "
              << (calls > 1 ? "more than one recv: " : "one recv: ") << calls << '\n';
}
