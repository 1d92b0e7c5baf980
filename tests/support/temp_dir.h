// A directory that goes with its test.
#ifndef DEEPBINDNET_TESTS_SUPPORT_TEMP_DIR_H_
#define DEEPBINDNET_TESTS_SUPPORT_TEMP_DIR_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace deepbindnet {

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

 private:
  std::string path_;
};

// Makes the parents too.
inline void WriteTestFile(const std::string& path, const std::string& contents) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << contents;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_TEMP_DIR_H_
