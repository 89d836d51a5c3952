// Runs fuzz_web over its corpus, with any compiler.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

TEST_CASE("fuzz_web: its corpus breaks no rule") {
    std::size_t files = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(SOURCE_DIR "/support/testing/corpus")) {
        std::ifstream file(entry.path(), std::ios::binary);
        std::string input{std::istreambuf_iterator<char>(file), {}};
        CAPTURE(entry.path().string());
        CHECK(!input.empty());
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()),
                               input.size());
        ++files;
    }
    CHECK(files >= 12);
}
