// Preloaded into a program (LD_PRELOAD): its first look-up of a host name never ends.
#include <netdb.h>
#include <unistd.h>

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
    constexpr char LINE[] = "looking up\n";
    while (::write(STDOUT_FILENO, LINE, sizeof LINE - 1) != -1) {
        ::pause();
    }
    return EAI_FAIL;
}
