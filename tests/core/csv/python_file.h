// Files that a real Python writes, as users' are.
#ifndef DEEPBINDNET_TESTS_CORE_CSV_PYTHON_FILE_H_
#define DEEPBINDNET_TESTS_CORE_CSV_PYTHON_FILE_H_

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {

// Runs `statements` with numpy, torch and `path`, and returns `path`: `name` in `directory`.
inline std::string WriteWithPython(const TempDir& directory, const std::string& name, const std::string& statements) {
  const std::string path = directory / name;
  const std::string script = directory.Write(
      "write.py", absl::StrCat("import collections, sys, numpy, torch\npath = sys.argv[1]\n", statements, "\n"));
  EXPECT_EQ(std::system(absl::StrCat("/usr/bin/python3 ", script, " ", path).c_str()), 0)
      << "make deps installs python3-torch";
  return path;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_CORE_CSV_PYTHON_FILE_H_
