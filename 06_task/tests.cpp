// What this stage's headers do, as far as a client of its server does not see it.
#include <doctest/doctest.h>
