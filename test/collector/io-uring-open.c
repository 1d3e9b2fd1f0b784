/* Opens a file for reading through io_uring, by the bare system calls: no open call is made. `io-uring-open PATH` */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  struct io_uring_params params;
  memset(&params, 0, sizeof params);
  int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0) return 3;
  size_t queue_bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  size_t entries_bytes = params.sq_entries * sizeof(struct io_uring_sqe);
  char *queue = mmap(0, queue_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entries = mmap(0, entries_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  if (queue == MAP_FAILED || entries == MAP_FAILED) return 4;
  memset(entries, 0, sizeof *entries);
  entries->opcode = IORING_OP_OPENAT;
  entries->fd = AT_FDCWD;
  entries->addr = (unsigned long)argv[1];
  entries->open_flags = O_RDONLY;
  ((unsigned *)(queue + params.sq_off.array))[0] = 0;
  __atomic_store_n((unsigned *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  long done = syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
  return done == 1 ? 0 : 5;
}
