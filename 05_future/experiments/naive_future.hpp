// The Future that one would write first: for the experiments, which show what it gets wrong.
#pragma once

#include <functional>
#include <string>
#include <vector>

struct NaiveFuture { // do not use
    using Callback = std::function<void(NaiveFuture&)>;

    void add_done_callback(Callback callback) { callbacks.push_back(callback); }
    void set_result(std::string value) {
        result = value;
        for (Callback& callback : callbacks) {
            callback(*this); // runs here and now, inside set_result
        }
    }

    std::string result;
    std::vector<Callback> callbacks;
};
