// A second pair of eyes on the kernel: reads the audit multicast group and writes each record to FILE as u32 type, u32 length, bytes,
// until SIGTERM, and then what is still in its queue. Shares no code with the collector.
// usage: multicast-reader FILE
#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t is_done;
static void stop(int signal) {
  (void)signal;
  is_done = 1;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  FILE *file = fopen(argv[1], "w");
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  int size = 32 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (file == NULL || fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address)) {
    perror("multicast-reader");
    return 1;
  }
  puts("ready");
  fflush(stdout);
  static char buffer[65536];
  for (;;) {
    ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (is_done) break;
      struct pollfd readable = {.fd = fd, .events = POLLIN};
      poll(&readable, 1, 100);
      continue;
    }
    if (n < 0) {
      perror("recv");
      return 1;
    }
    struct nlmsghdr *header = (struct nlmsghdr *)buffer;
    uint32_t head[2] = {header->nlmsg_type, (uint32_t)(n - NLMSG_HDRLEN)};
    fwrite(head, sizeof head, 1, file);
    fwrite(buffer + NLMSG_HDRLEN, head[1], 1, file);
    fflush(file);
  }
  return fclose(file);
}
