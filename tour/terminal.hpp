// The tour on a terminal: the pictures of the watched clients, and the line that says what is
// going on. In colour where that is wanted and possible, otherwise in plain ASCII.
#pragma once

#include "tour/places.hpp"
#include "tour/watch.hpp"

#include <string>

class Terminal {
  public:
    Terminal(); // looks at standard output and error, NO_COLOR and TERM

    void print(const std::string& text) const;
    void print_heading(const std::string& text) const;
    // What is to be seen in the pictures that follow.
    void print_picture_heading() const;
    void print_picture(const Stage& stage, const Watched& watched) const;

    // Replaces the last such line; "" removes it. Only on a terminal.
    void show_progress(const std::string& text) const;

  private:
    struct Glyphs;

    const Glyphs& glyphs_;
    bool shows_progress_;
};
