// Tests of the log.
#include <doctest/doctest.h>

#include "common/log.hpp"

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

TEST_CASE("log: a closed output does not end the program") {
    pid_t child = ::fork();
    REQUIRE(child != -1);
    if (child == 0) {
        int ends[2];
        if (::pipe(ends) == -1) {
            ::_exit(2);
        }
        ::close(ends[0]);
        ::dup2(ends[1], STDOUT_FILENO);
        ::dup2(ends[1], STDERR_FILENO);
        log_listening("127.0.0.1:8888");
        log_line("127.0.0.1:50312", "connected");
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0); // neither a signal nor an error
}
