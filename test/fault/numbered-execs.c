// The workload whose truth does not come from the collector: executes CHILD with --seq=FIRST and the
// COUNT-1 numbers after it under UID at RATE/s, and writes, for each number, the wall clock before and after its exec in
// milliseconds to TRUTH, one line "N BEFORE AFTER" each.
// usage: numbered-execs CHILD FIRST COUNT RATE UID TRUTH [GID]
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 7 && argc != 8) {
    fprintf(stderr, "usage: numbered-execs CHILD FIRST COUNT RATE UID TRUTH [GID]\n");
    return 2;
  }
  const char *child = argv[1];
  long first = atol(argv[2]);
  long count = atol(argv[3]);
  double rate = atof(argv[4]);
  int uid = atoi(argv[5]);
  FILE *truth = fopen(argv[6], "w");
  if (truth == NULL) {
    perror(argv[6]);
    return 1;
  }
  if (setgroups(0, NULL) || setgid(argc == 8 ? atoi(argv[7]) : uid) || setuid(uid)) {
    perror("setuid");
    return 1;
  }
  double begin = now_ms(CLOCK_MONOTONIC);
  for (long i = 0; i < count; i++) {
    char number[32];
    snprintf(number, sizeof number, "--seq=%ld", first + i);
    char *args[] = {(char *)child, number, NULL};
    char *env[] = {NULL};
    double before = now_ms(CLOCK_REALTIME);
    pid_t pid = vfork();
    if (pid == 0) {
      execve(child, args, env);
      _exit(127);
    }
    if (pid < 0) {
      perror("vfork");
      return 1;
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      fprintf(stderr, "exec %ld failed\n", first + i);
      return 1;
    }
    fprintf(truth, "%ld %.3f %.3f\n", first + i, before, now_ms(CLOCK_REALTIME));
    if (rate > 0) {
      double wait = begin + (i + 1) * 1e3 / rate - now_ms(CLOCK_MONOTONIC);
      if (wait > 0.5) {
        struct timespec t = {(time_t)(wait / 1e3), (long)((wait - (long)(wait / 1e3) * 1e3) * 1e6)};
        nanosleep(&t, NULL);
      }
    }
  }
  if (fclose(truth) != 0) {
    perror("truth");
    return 1;
  }
  return 0;
}
