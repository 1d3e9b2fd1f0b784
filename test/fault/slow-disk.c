// Preloaded into a process, it makes every file of a folder slow: each write waits WRITE_MS, each sync SYNC_MS.
// environment: SLOW_FOLDER, SLOW_WRITE_MS, SLOW_SYNC_MS
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void wait_as_told(int fd, const char *variable) {
  const char *folder = getenv("SLOW_FOLDER"), *text = getenv(variable);
  if (folder == NULL || text == NULL) return;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = 0;
  if (strncmp(path, folder, strlen(folder)) != 0) return;
  long ms = atol(text);
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  static ssize_t (*next)(int, const void *, size_t);
  if (next == NULL) next = dlsym(RTLD_NEXT, "write");
  wait_as_told(fd, "SLOW_WRITE_MS");
  return next(fd, bytes, count);
}

int fdatasync(int fd) {
  static int (*next)(int);
  if (next == NULL) next = dlsym(RTLD_NEXT, "fdatasync");
  wait_as_told(fd, "SLOW_SYNC_MS");
  return next(fd);
}

int fsync(int fd) {
  static int (*next)(int);
  if (next == NULL) next = dlsym(RTLD_NEXT, "fsync");
  wait_as_told(fd, "SLOW_SYNC_MS");
  return next(fd);
}
