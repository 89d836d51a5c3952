// The tour on a terminal: the picture of the watched clients, the line that says what is going
// on, and the table. In colour where that is wanted and possible, otherwise in plain ASCII.
#pragma once

#include "tour/report.hpp"

#include <string>

class Terminal {
  public:
    Terminal(); // looks at standard output and error, NO_COLOR and TERM

    void print(const std::string& text) const;
    void print_heading(const std::string& text) const;
    void print_picture_legend() const;
    void print_picture(const StageReport& report) const;
    void print_time_axis() const;

    // Replaces the last such line; "" removes it. Only on a terminal.
    void show_progress(const std::string& text) const;

  private:
    struct Glyphs;

    const Glyphs& glyphs_;
    bool shows_progress_;
};

std::string table_of(const Report& report);
