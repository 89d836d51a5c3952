// Preloaded into a program (LD_PRELOAD). A look-up of slow.example never ends, any other host has
// two addresses: 127.0.0.2, then 127.0.0.1. Each attempt to connect to the first is a line of output.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

sockaddr_in addresses[2];
addrinfo entries[2];

} // namespace

extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo*,
                           addrinfo** list) {
    if (std::strcmp(host, "slow.example") != 0) {
        for (std::uint32_t i = 0; i < 2; ++i) {
            addresses[i].sin_family = AF_INET;
            addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 - i);
            addresses[i].sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
            entries[i].ai_family = AF_INET;
            entries[i].ai_addrlen = sizeof addresses[i];
            entries[i].ai_addr = reinterpret_cast<sockaddr*>(&addresses[i]);
        }
        entries[0].ai_next = &entries[1];
        *list = entries;
        return 0;
    }
    constexpr char LINE[] = "looking up\n";
    while (::write(STDOUT_FILENO, LINE, sizeof LINE - 1) != -1) {
        ::pause();
    }
    return EAI_FAIL;
}

extern "C" int connect(int fd, const sockaddr* address, socklen_t length) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address);
    constexpr char LINE[] = "connecting to 127.0.0.2\n";
    if (address->sa_family == AF_INET && ntohl(ipv4->sin_addr.s_addr) == INADDR_LOOPBACK + 1 &&
        ::write(STDOUT_FILENO, LINE, sizeof LINE - 1) == -1) {
        return -1;
    }
    return static_cast<int>(::syscall(SYS_connect, fd, address, length));
}

extern "C" void freeaddrinfo(addrinfo*) {}
