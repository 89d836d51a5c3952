// A program may be started without standard input, output or error (`>&-` in a shell). Then its
// first socket would get the free number 0, 1 or 2, and what is written to std::cerr would be
// sent to a client. So before main() begins, /dev/null takes the place of what is missing.
#include <fcntl.h>
#include <unistd.h>

namespace {

bool open_missing_streams() {
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = ::open("/dev/null", O_RDWR); // gets the lowest free number
    }
    ::close(fd);
    return true;
}

[[maybe_unused]] const bool streams_are_open = open_missing_streams();

} // namespace
