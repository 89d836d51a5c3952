#!/bin/sh
# io_uring on Linux 6.18, through liburing 2.3: a descriptor is closed while a receive waits.
#
# Guess: the receive ends, with EBADF or ECANCELED, because the descriptor is gone.
# What happens: nothing ends. The operation holds the open socket, not its number. So it waits
# on, the other side notices no end of the stream, and what it sends later is still received
# into your buffer. A loop has to cancel the operation before it closes the descriptor, and the
# buffer has to live until the completion comes.
#
# Seen in November 2026, twice:
#     closed: no completion within 300 ms
#     the other side can send: 5 bytes
#     the receive has got: 5 bytes, hello
#
# Needs Debian 12 (apt-get), a C compiler, and a kernel that allows io_uring. Status 1: it is
# different now; 77: one of these is missing.
set -eu
for tool in apt-get dpkg-deb cc; do
    command -v "$tool" > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -qq -o APT::Sandbox::User=root liburing-dev=2.3-3 > apt.log 2>&1 ||
    { cat apt.log; echo "skipped: this version of liburing cannot be installed"; exit 77; }
dpkg-deb -x liburing-dev_*.deb root

cat > receive.c << 'END'
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    struct io_uring ring;
    if (io_uring_queue_init(4, &ring, 0) < 0) {
        return 77;
    }
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return 77;
    }
    char buffer[100] = "";
    struct io_uring_sqe* entry = io_uring_get_sqe(&ring);
    io_uring_prep_recv(entry, pair[0], buffer, sizeof buffer - 1, 0);
    io_uring_submit(&ring);

    close(pair[0]);
    struct io_uring_cqe* completion = NULL;
    struct __kernel_timespec patience = {0, 300 * 1000 * 1000};
    int result = io_uring_wait_cqe_timeout(&ring, &completion, &patience);
    printf("closed: %s\n", result == 0 ? "a completion" : "no completion within 300 ms");
    if (result == 0) {
        return 0;
    }
    ssize_t sent = send(pair[1], "hello", 5, MSG_NOSIGNAL);
    printf("the other side can send: %zd bytes\n", sent);
    if (io_uring_wait_cqe_timeout(&ring, &completion, &patience) == 0) {
        printf("the receive has got: %d bytes, %s\n", completion->res, buffer);
    }
    return 0;
}
END
library=$(find root -name liburing.a)
cc -Iroot/usr/include receive.c "$library" -o receive
status=0
./receive > seen || status=$?
cat seen
if [ "$status" -eq 77 ]; then
    echo "skipped: the kernel does not allow io_uring"
    exit 77
fi

cat > expected << 'END'
closed: no completion within 300 ms
the other side can send: 5 bytes
the receive has got: 5 bytes, hello
END
diff expected seen
