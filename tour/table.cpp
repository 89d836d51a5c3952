// The table of all numbers, and below it what each of them means.
#include "tour/report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <vector>

namespace {

// 1234567 becomes "1,234,567".
std::string with_commas(double value, int decimals) {
    std::array<char, 40> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
    std::string text = buffer.data();
    std::size_t point = std::min(text.find('.'), text.size());
    std::size_t first = text.starts_with('-') ? 1 : 0;
    for (std::size_t at = point; at > first + 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

// More digits than three would claim more than a second of measuring can know.
double rounded(double value) {
    if (value < 1000) {
        return value;
    }
    double unit = std::pow(10, std::floor(std::log10(value)) - 2);
    return std::round(value / unit) * unit;
}

class Table {
  public:
    explicit Table(const Report& report) : report_(report) {
        add("", [](const StageReport& stage) { return stage.stage.number(); });
    }

    void add_heading(const std::string& label) { rows_.push_back({label}); }

    void add(const std::string& label, const std::function<Number(const Measured&)>& number,
             int decimals = 0, bool is_rounded = false) {
        add(label, [&](const StageReport& stage) {
            Number cell = number(*stage.measured);
            std::optional<double> median = cell.median();
            if (!median) {
                gaps_[cell.why_not].push_back(stage.stage.number());
                return std::string("-");
            }
            return with_commas(is_rounded ? rounded(*median) : *median, decimals);
        });
    }

    // At most 80 columns: for eight stages that leaves 14 for a label.
    std::string text() const {
        std::size_t label_width = 0;
        std::size_t width = 6;
        for (const std::vector<std::string>& row : rows_) {
            label_width = std::max(label_width, row.size() > 1 ? row[0].size() : 0);
            for (std::size_t i = 1; i < row.size(); ++i) {
                width = std::max(width, row[i].size());
            }
        }
        std::string text;
        for (const std::vector<std::string>& row : rows_) {
            std::string line = "  " + row[0];
            for (std::size_t i = 1; i < row.size(); ++i) {
                line.resize(2 + label_width + i * (width + 1) - row[i].size(), ' ');
                line += row[i];
            }
            text += line + "\n";
        }
        return text;
    }

    // Why there is no number, for each "-".
    std::string gaps() const {
        std::string text;
        for (auto [why_not, stages] : gaps_) {
            std::sort(stages.begin(), stages.end());
            stages.erase(std::unique(stages.begin(), stages.end()), stages.end());
            text += "  -";
            if (stages.size() == report_.stages.size()) {
                text += " all";
            } else {
                for (const std::string& stage : stages) {
                    text += " " + stage;
                }
            }
            text += ": not measured, " + why_not + "\n";
        }
        return text;
    }

  private:
    void add(const std::string& label,
             const std::function<std::string(const StageReport&)>& cell) {
        std::vector<std::string> row{label};
        for (const StageReport& stage : report_.stages) {
            row.push_back(cell(stage));
        }
        rows_.push_back(std::move(row));
    }

    const Report& report_;
    std::vector<std::vector<std::string>> rows_;
    std::map<std::string, std::vector<std::string>> gaps_; // why: which stages
};

std::string name_of(const LoadNumbers& load) {
    return std::to_string(load.active_clients) +
           (load.active_clients == 1 ? " client" : " clients") +
           (load.has_idle_clients ? " + idle" : "");
}

void add_loads(Table& table, const Report& report, Number LoadNumbers::*number, int decimals) {
    const std::vector<LoadNumbers>& loads = report.stages.front().measured->loads;
    for (std::size_t i = 0; i < loads.size(); ++i) {
        std::string label = "  " + name_of(loads[i]);
        if (loads[i].has_idle_clients) {
            label = "  " + std::to_string(loads[i].active_clients) + " + idle";
        }
        table.add(
            label, [=](const Measured& measured) { return measured.loads[i].*number; },
            decimals, decimals == 0);
    }
}

std::string percent(double part) {
    return std::to_string(std::lround(part * 100)) + " %";
}

// "typically 6 %, at most 31 % (04, 50 clients)": how far apart the rounds of a number are.
std::string differences(const Report& report, Number LoadNumbers::*number) {
    Number all;
    double most = -1;
    std::string where;
    for (const StageReport& stage : report.stages) {
        for (const LoadNumbers& load : stage.measured->loads) {
            if ((load.*number).rounds.empty()) {
                continue;
            }
            double difference = (load.*number).difference();
            all.rounds.push_back(difference);
            if (difference > most) {
                most = difference;
                where = stage.stage.number() + ", " + name_of(load);
            }
        }
    }
    if (all.rounds.empty()) {
        return "not measured\n";
    }
    return "typically " + percent(*all.median()) + ", at most " + percent(most) + " (" + where +
           ")\n";
}

// "2,000, 01: 100": the most common number, then the exceptions.
std::string spread(const Report& report, std::size_t Measured::*number) {
    std::map<std::size_t, std::string> stages;
    for (const StageReport& stage : report.stages) {
        std::string& list = stages[(*stage.measured).*number];
        list += list.empty() ? "" : " ";
        list += stage.stage.number();
    }
    stages.erase(0);
    auto usual = std::max_element(stages.begin(), stages.end(), [](auto& one, auto& other) {
        return one.second.size() < other.second.size();
    });
    if (usual == stages.end()) {
        return "0";
    }
    std::string text = with_commas(double(usual->first), 0);
    for (const auto& [value, list] : stages) {
        if (value != usual->first) {
            text += ", ";
            text += list + ": " + with_commas(double(value), 0);
        }
    }
    return text;
}

} // namespace

std::string busy_warning(const Report& report) {
    if (report.share_of_cores > 0.9) {
        return "";
    }
    return "  This machine is busy: the tour got " + percent(report.share_of_cores) +
           " of its " + std::to_string(report.machine.cores) + " cores. Trust no figure.\n";
}

std::string table_of(const Report& report) {
    Table table(report);
    auto field = [](Number Measured::*number) {
        return [number](const Measured& measured) { return measured.*number; };
    };
    table.add("served at once", field(&Measured::clients_served));
    table.add("threads then", field(&Measured::threads));
    table.add_heading("round trips per second");
    add_loads(table, report, &LoadNumbers::round_trips_per_second, 0);
    table.add_heading("p99 latency, microseconds");
    add_loads(table, report, &LoadNumbers::p99_us, 0);
    table.add_heading("CPU time of the server per round trip, microseconds");
    add_loads(table, report, &LoadNumbers::cpu_us, 1);
    table.add("calls per trip", field(&Measured::system_calls), 1);
    table.add("bytes if idle", field(&Measured::memory_bytes), 0, true);
    table.add("handler lines", field(&Measured::handler_lines));

    std::string cores = std::to_string(report.machine.cores);
    return table.text() + "\n" + table.gaps() + "  Timed figures: the median of " +
           std::to_string(ROUNDS) +
           " rounds. The highest and the lowest are apart by\n"
           "    round trips  " +
           differences(report, &LoadNumbers::round_trips_per_second) + "    p99 latency  " +
           differences(report, &LoadNumbers::p99_us) + "    CPU time     " +
           differences(report, &LoadNumbers::cpu_us) +
           "  Served at once: of the clients that tried, " +
           spread(report, &Measured::clients_tried) +
           ".\n"
           "  Round trips: 64 bytes there and back; a client sends again when it has "
           "them.\n"
           "  Calls per trip: system calls of the server for a round trip.\n"
           "  p99: 99 of 100 round trips took no longer. The " +
           cores +
           " cores are shared: the\n"
           "  clients of the tour, one thread, need as much of them as the server does.\n"
           "  Idle clients: " +
           spread(report, &Measured::idle_clients) + "; memory of the process alone.\n" +
           busy_warning(report);
}
