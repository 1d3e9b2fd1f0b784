// How long an audited program start takes its user: vfork, execve of CHILD, exit and wait, COUNT times under UID at RATE/s.
// usage: exec-latency CHILD COUNT RATE UID       prints "P50 P99 MAX" in microseconds
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: exec-latency CHILD COUNT RATE UID\n");
    return 2;
  }
  long count = atol(argv[2]);
  double rate = atof(argv[3]);
  int uid = atoi(argv[4]);
  double *took = calloc(count, sizeof *took);
  if (count < 1 || took == NULL || setgroups(0, NULL) || setgid(uid) || setuid(uid)) {
    perror("exec-latency");
    return 1;
  }
  char *args[] = {argv[1], NULL};
  char *env[] = {NULL};
  double begin = now_us();
  for (long i = 0; i < count; i++) {
    double before = now_us();
    pid_t pid = vfork();
    if (pid == 0) {
      execve(argv[1], args, env);
      _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    took[i] = now_us() - before;
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      fprintf(stderr, "exec %ld failed\n", i);
      return 1;
    }
    double wait = begin + (i + 1) * 1e6 / rate - now_us();
    if (wait > 0) {
      struct timespec t = {(time_t)(wait / 1e6), (long)((wait - (long)(wait / 1e6) * 1e6) * 1e3)};
      nanosleep(&t, NULL);
    }
  }
  qsort(took, count, sizeof *took, ascending);
  printf("%.1f %.1f %.1f\n", took[count / 2], took[(long)(count * 0.99)], took[count - 1]);
  return 0;
}
