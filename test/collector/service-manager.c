// What systemd does for a service with a descriptor store, and no more: starts COMMAND with NOTIFY_SOCKET=PATH, keeps a descriptor
// that comes with FDSTORE=1, passes it to the next start (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES) after a death by signal, drops it
// at FDSTOREREMOVE=1.
// Its command dies with it. Ends when the command ends by itself; SIGTERM is passed on. Each start is a line "started PID FDS".
// usage: service-manager PATH COMMAND…
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t child;

static void pass_on(int signal_number) {
  if (child > 0) kill(child, signal_number);
}

static void start(const char *path, char **command, int stored) {
  child = fork();
  if (child != 0) {
    printf("started %d %d\n", (int)child, stored >= 0);
    fflush(stdout);
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setenv("NOTIFY_SOCKET", path, 1);
  if (stored >= 0) {
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", "vedette-audit", 1);
    if (dup2(stored, 3) < 0) _exit(1);
  }
  execv(command[0], command);
  _exit(127);
}

static void receive(int notify, int *stored) {
  char text[512];
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec vector = {text, sizeof text - 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(notify, &message, MSG_CMSG_CLOEXEC);
  if (length < 0) return;
  text[length] = 0;
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (strstr(text, "FDSTOREREMOVE=1")) {
    if (*stored >= 0) close(*stored);
    *stored = -1;
    printf("removed\n");
  } else if (strstr(text, "FDSTORE=1") && strstr(text, "FDNAME=vedette-audit") && head && head->cmsg_type == SCM_RIGHTS) {
    int passed;
    memcpy(&passed, CMSG_DATA(head), sizeof passed);
    *stored = fcntl(passed, F_DUPFD_CLOEXEC, 10);
    close(passed);
    printf("stored\n");
  }
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  if (bind(notify, (struct sockaddr *)&address, sizeof address)) {
    perror(argv[1]);
    return 1;
  }
  signal(SIGTERM, pass_on);
  int stored = -1;
  start(argv[1], argv + 2, stored);
  for (;;) {
    struct pollfd waited = {notify, POLLIN, 0};
    if (poll(&waited, 1, 20) > 0) receive(notify, &stored);
    int status;
    if (waitpid(child, &status, WNOHANG) != child) continue;
    if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
    start(argv[1], argv + 2, stored);
  }
}
