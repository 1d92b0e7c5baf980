// Preloaded into the programs: while the file $FULL_DISK_FLAG exists, the file system under $FULL_DISK_DIR is full.
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

bool IsUnder(const char* path) {
  const char* const directory = getenv("FULL_DISK_DIR");
  return directory != nullptr && strncmp(path, directory, strlen(directory)) == 0;
}

bool IsFull() {
  const char* const flag = getenv("FULL_DISK_FLAG");
  return flag != nullptr && access(flag, F_OK) == 0;
}

bool Fails(int fd) {
  const int saved = errno;
  char link[64];
  char path[PATH_MAX + 1];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = IsFull() ? readlink(link, path, PATH_MAX) : -1;
  if (length > 0) path[length] = '\0';
  const bool fails = length > 0 && IsUnder(path);
  errno = fails ? ENOSPC : saved;
  return fails;
}

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  return Fails(fd) ? -1 : next(fd, bytes, count);
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return Fails(fd) ? -1 : next(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return Fails(fd) ? -1 : next(fd, bytes, count, offset);
}

int statvfs(const char* path, struct statvfs* status) {
  static const auto next = Next<int (*)(const char*, struct statvfs*)>("statvfs");
  const int result = next(path, status);
  if (result == 0 && IsUnder(path) && IsFull()) status->f_bavail = 0;
  return result;
}

}  // extern "C"
