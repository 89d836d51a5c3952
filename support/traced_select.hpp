// For a program that calls select(2) itself, not through Selector: compiled with
// `-include support/traced_select.hpp`, which changes nothing in its source, it is traced, too.
#pragma once

#include <sys/select.h>

// select(2); while there is a trace it also records what Selector would.
int traced_select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                  timeval* timeout);

#define select traced_select
