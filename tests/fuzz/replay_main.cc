// Without a fuzzer: gives the target every file of the directories named on the command line, and the prefixes of each.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kPrefixes = 64;  // Of each file, evenly spaced.

void Replay(const std::string& bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  LLVMFuzzerTestOneInput(data, bytes.size());
  const size_t step = bytes.size() / kPrefixes + 1;
  for (size_t size = 0; size < bytes.size(); size += step) LLVMFuzzerTestOneInput(data, size);
}

}  // namespace

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      Replay(std::string(std::istreambuf_iterator<char>(file), {}));
      ++files;
    }
  }
  std::printf("%d files replayed\n", files);
  return files > 0 ? 0 : 1;
}
