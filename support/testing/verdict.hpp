// What `./tutorial check` prints: the wire tests, gathered into the points of what every echo
// server guarantees, with a "yes" or "no" for each.
#pragma once

#include <sys/types.h>

// Which of the points are expected: 1 for a server that serves one client at a time, 2 for one
// with threads, 3 with select, 4 with an event loop; 0: that is not known, so whatever depends
// on it is only told.
extern int verdict_model;

// From now on standard error, ours and that of the servers, goes to a file: they may log what
// they like, and the last line of it is told of a server that has ended.
void keep_errors_of_servers();

// To be called before a server is killed: that it has ended already explains most failures.
// Does nothing if `pid` is 0.
void tell_if_ended(pid_t pid);

// A name for the option --test-suite: the tests that make sense for the model.
const char* suites_of_model();

// Whether points that are expected were tried, and none has turned out to be a "no".
bool is_well();
