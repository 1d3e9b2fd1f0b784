// Becomes UID and, for each directory named, runs `/bin/bash -c :` from a child in that directory; prints "DIRECTORY MS" with the
// wall clock just before the exec, and waits PAUSE_MS between two. Copied to apache2 or sshd, its name is the parent's name.
// usage: spawner UID PAUSE_MS DIRECTORY…
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int uid = atoi(argv[1]);
  long pause_ms = atol(argv[2]);
  if (geteuid() != (uid_t)uid) {
    // Begins anew as that user: its own exec is audited too, as a web server's is.
    if (setgroups(0, NULL) || setgid(uid) || setuid(uid)) {
      perror("setuid");
      return 1;
    }
    execv(argv[0], argv);
    perror("exec");
    return 1;
  }
  for (int i = 3; i < argc; i++) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%s %.3f\n", argv[i], now.tv_sec * 1e3 + now.tv_nsec / 1e6);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
      if (chdir(argv[i])) _exit(126);
      execl("/bin/bash", "bash", "-c", ":", (char *)NULL);
      _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return 1;
    struct timespec t = {pause_ms / 1000, (pause_ms % 1000) * 1000000L};
    nanosleep(&t, NULL);
  }
  return 0;
}
