/* What audit rules cost a program: nanoseconds a call, for a call that the default rules do not ask for (getppid) and for one
 * that they record (opening /dev/null for writing). `audit-rules CALLS OPENS` prints two figures; the least of five rounds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e9 + at.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  long calls = atol(argv[1]), opens = atol(argv[2]);
  double call = 1e18, open_cost = 1e18;
  for (int round = 0; round < 5; round++) {
    double from = now();
    for (long i = 0; i < calls; i++) syscall(SYS_getppid);
    double cost = (now() - from) / calls;
    if (cost < call) call = cost;
    from = now();
    for (long i = 0; i < opens; i++) {
      int fd = open("/dev/null", O_WRONLY);
      if (fd >= 0) close(fd);
    }
    cost = (now() - from) / opens;
    if (cost < open_cost) open_cost = cost;
    usleep(20000);
  }
  printf("%.1f %.1f\n", call, open_cost);
  return 0;
}
