// Bytes as a file with a path, without a disk.
#ifndef DEEPBINDNET_TESTS_FUZZ_MEMORY_FILE_H_
#define DEEPBINDNET_TESTS_FUZZ_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/base/file_descriptor.h"

namespace deepbindnet {

class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : file_(memfd_create("fuzz", MFD_CLOEXEC)) {
    if (file_.get() < 0 || write(file_.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

 private:
  const FileDescriptor file_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_FUZZ_MEMORY_FILE_H_
