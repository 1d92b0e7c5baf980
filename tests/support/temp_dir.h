// A directory that lives as long as its test.
#ifndef DEEPBINDNET_TESTS_SUPPORT_TEMP_DIR_H_
#define DEEPBINDNET_TESTS_SUPPORT_TEMP_DIR_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <system_error>

namespace deepbindnet {

// Makes the parents too.
inline void WriteTestFile(const std::string& path, const std::string& contents) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << contents;
}

class TempDir {
 public:
  TempDir() : path_(::testing::TempDir() + "/deepbindnet.XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "cannot make " << path_;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const {
    WriteTestFile(*this / name, contents);
    return *this / name;
  }

  // What stands in it.
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.insert(entry.path().filename().string());
    return names;
  }

 private:
  std::string path_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_TEMP_DIR_H_
