// doctest shows a const char* as an address; with this in front of it, as the text that is meant.
#pragma GCC system_header // for include_next
#include_next <doctest/doctest.h>

#ifndef SUPPORT_TESTING_DOCTEST_H
#define SUPPORT_TESTING_DOCTEST_H
template <>
struct doctest::StringMaker<const char*> {
    static String convert(const char* text) { return text == nullptr ? "nullptr" : text; }
};
#endif
