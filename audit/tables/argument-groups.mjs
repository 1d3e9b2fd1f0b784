// Which names of which headers explain the arguments of syscalls: the input of generate.mjs. `later` is what kernels after 6.1 added.

export const ARGUMENT_GROUPS = [
  {
    name: 'PRCTL_OPTIONS',
    headers: ['linux/prctl.h'],
    pattern:
      /^PR_(SET|GET|SVE_SET|SVE_GET|SME_SET|SME_GET)_\w+$|^PR_CAPBSET_(READ|DROP)$|^PR_CAP_AMBIENT$|^PR_MCE_KILL(_GET)?$|^PR_TASK_PERF_EVENTS_\w+$|^PR_PAC_(RESET_KEYS|SET_ENABLED_KEYS|GET_ENABLED_KEYS)$|^PR_SCHED_CORE$|^PR_MPX_\w+MANAGEMENT$/,
    except: /^PR_SET_MM_|^PR_SET_PTRACER_ANY|^PR_SET_VMA_/,
    later: {
      PR_SET_MDWE: 65, // 6.3
      PR_GET_MDWE: 66,
      PR_SET_MEMORY_MERGE: 67, // 6.4
      PR_GET_MEMORY_MERGE: 68,
      PR_GET_SHADOW_STACK_STATUS: 74, // 6.13
      PR_SET_SHADOW_STACK_STATUS: 75,
      PR_LOCK_SHADOW_STACK_STATUS: 76,
      PR_TIMER_CREATE_RESTORE_IDS: 77, // 6.15
      PR_FUTEX_HASH: 78, // 6.16
      PR_GET_AUXV: 0x41555856, // 6.4
    },
  },
  { name: 'PRCTL_SECCOMP_MODES', headers: ['linux/seccomp.h'], pattern: /^SECCOMP_MODE_/ },
  { name: 'PRCTL_AMBIENT', headers: ['linux/prctl.h'], pattern: /^PR_CAP_AMBIENT_/ },
  {
    name: 'BPF_COMMANDS',
    headers: ['linux/bpf.h'],
    pattern:
      /^BPF_(MAP_(CREATE|LOOKUP_\w+|UPDATE_\w+|DELETE_\w+|GET_NEXT_KEY|GET_NEXT_ID|GET_FD_BY_ID|FREEZE)|PROG_(LOAD|ATTACH|DETACH|TEST_RUN|GET_\w+|QUERY|BIND_MAP)|OBJ_\w+|RAW_TRACEPOINT_OPEN|BTF_(LOAD|GET_\w+)|TASK_FD_QUERY|LINK_\w+|ENABLE_STATS|ITER_CREATE)$/,
    except: /^BPF_OBJ_NAME_LEN$/,
    later: { BPF_TOKEN_CREATE: 36, BPF_PROG_STREAM_READ_BY_FD: 37 }, // 6.9, 6.17
  },
  {
    name: 'CAPABILITIES',
    headers: ['linux/capability.h'],
    pattern: /^CAP_[A-Z]/,
    except: /^CAP_(LAST_CAP|TO_)/,
  },
  {
    name: 'KEYCTL_OPERATIONS',
    headers: ['linux/keyctl.h'],
    pattern: /^KEYCTL_/,
    except: /^KEYCTL_(SUPPORTS|CAPS\d|MOVE_EXCL)/,
  },
  { name: 'CLONE_FLAGS', headers: ['linux/sched.h'], pattern: /^CLONE_/, except: /^CLONE_(ARGS|CLEAR_|INTO_)/ },
  {
    name: 'MOUNT_FLAGS',
    headers: ['linux/mount.h'],
    pattern: /^MS_[A-Z0-9]+$/,
    except: /^MS_(VERBOSE|ACTIVE|BORN|NOUSER|NOREMOTELOCK|NOSEC|SUBMOUNT)$/,
  },
  { name: 'UMOUNT_FLAGS', headers: ['sys/mount.h'], pattern: /^(MNT_(FORCE|DETACH|EXPIRE)|UMOUNT_NOFOLLOW)$/ },
  {
    name: 'OPEN_TREE_FLAGS',
    headers: ['linux/mount.h', 'fcntl.h'],
    pattern: /^OPEN_TREE_|^AT_(RECURSIVE|EMPTY_PATH|NO_AUTOMOUNT|SYMLINK_NOFOLLOW)$/,
  },
  {
    name: 'FSCONFIG_COMMANDS',
    headers: ['linux/mount.h'],
    pattern: /^FSCONFIG_/,
    later: { FSCONFIG_CMD_CREATE_EXCL: 8 },
  }, // 6.6
  {
    name: 'SOCKET_TYPES',
    headers: ['sys/socket.h'],
    pattern: /^SOCK_(STREAM|DGRAM|RAW|RDM|SEQPACKET|DCCP|PACKET)$/,
  },
  { name: 'SOCKET_TYPE_FLAGS', headers: ['sys/socket.h'], pattern: /^SOCK_(CLOEXEC|NONBLOCK)$/ },
  {
    name: 'IP_PROTOCOLS',
    headers: ['linux/in.h', 'linux/in6.h'],
    pattern: /^IPPROTO_[A-Z]/,
    except: /^IPPROTO_MAX$/,
    later: { IPPROTO_SMC: 256 }, // 6.11
  },
  {
    name: 'NETLINK_PROTOCOLS',
    headers: ['linux/netlink.h'],
    pattern:
      /^NETLINK_(ROUTE|UNUSED|USERSOCK|FIREWALL|SOCK_DIAG|NFLOG|XFRM|SELINUX|ISCSI|AUDIT|FIB_LOOKUP|CONNECTOR|NETFILTER|IP6_FW|DNRTMSG|KOBJECT_UEVENT|GENERIC|SCSITRANSPORT|ECRYPTFS|RDMA|CRYPTO|SMC)$/,
  },
  {
    name: 'SOCKET_LEVELS',
    headers: ['sys/socket.h', 'netinet/in.h', 'netinet/tcp.h', 'netinet/udp.h'],
    pattern: /^SOL_|^IPPROTO_(ICMP|UDP|ICMPV6)$/,
  },
  {
    name: 'SOCKET_OPTIONS',
    headers: ['sys/socket.h'],
    pattern: /^SO_/,
    except: /_OLD$|^SO_(GET_FILTER|DETACH_BPF)$/,
  },
  {
    name: 'IP_OPTIONS',
    headers: ['linux/in.h', 'linux/netfilter_ipv4/ip_tables.h'],
    pattern: /^(IP|MCAST)_[A-Z]\w*$|^IPT_SO_SET_(REPLACE|ADD_COUNTERS)$/,
    except: /^IP_(PMTUDISC|DEFAULT|MAX|RETOPTS|ADDR|CLASS)|^MCAST_(EXCLUDE|INCLUDE)$/,
    later: { IP_LOCAL_PORT_RANGE: 51, IP_PROTOCOL: 52 }, // 6.3, 6.4
  },
  {
    name: 'IPV6_OPTIONS',
    headers: ['linux/in6.h', 'linux/netfilter_ipv6/ip6_tables.h'],
    pattern: /^(IPV6|MCAST)_[A-Z]\w*$|^IP6T_SO_SET_(REPLACE|ADD_COUNTERS)$/,
    except:
      /^IPV6_(FL_|FLOWLABEL_MGR$|FLOWINFO_|FLOWINFO$|PRIORITY|TLV|PMTUDISC|PREFER|AUTHHDR)|^MCAST_(EXCLUDE|INCLUDE)$/,
  },
  {
    name: 'TCP_OPTIONS',
    headers: ['linux/tcp.h'],
    pattern: /^TCP_[A-Z]\w*$/,
    except:
      /^TCP_(MSS_\w+|MD5SIG_(MAX|FLAG)\w*|REPAIR_(ON|OFF)\w*|NLA\w*|NO_QUEUE|RECV_QUEUE|SEND_QUEUE|QUEUES_NR|FLAG\w*|CA_\w+|RECEIVE_\w+|DATA_OFFSET|RESERVED_BITS)$/,
  },
  {
    name: 'UDP_OPTIONS',
    headers: ['linux/udp.h'],
    pattern: /^UDP_(CORK|ENCAP|NO_CHECK6_TX|NO_CHECK6_RX|SEGMENT|GRO)$/,
  },
  {
    name: 'PACKET_OPTIONS',
    headers: ['linux/if_packet.h'],
    pattern:
      /^PACKET_(ADD_MEMBERSHIP|DROP_MEMBERSHIP|RECV_OUTPUT|RX_RING|STATISTICS|COPY_THRESH|AUXDATA|ORIGDEV|VERSION|HDRLEN|RESERVE|TX_RING|LOSS|VNET_HDR|TX_TIMESTAMP|TIMESTAMP|FANOUT|TX_HAS_OFF|QDISC_BYPASS|ROLLOVER_STATS|FANOUT_DATA|IGNORE_OUTGOING)$/,
    later: { PACKET_VNET_HDR_SZ: 24 }, // 6.6
  },
  {
    name: 'NETLINK_OPTIONS',
    headers: ['linux/netlink.h'],
    pattern:
      /^NETLINK_(ADD_MEMBERSHIP|DROP_MEMBERSHIP|PKTINFO|BROADCAST_ERROR|NO_ENOBUFS|LISTEN_ALL_NSID|LIST_MEMBERSHIPS|CAP_ACK|EXT_ACK|GET_STRICT_CHK)$/,
  },
  { name: 'RESOLVE_FLAGS', headers: ['linux/openat2.h'], pattern: /^RESOLVE_/ },
  {
    name: 'MESSAGE_FLAGS',
    headers: ['sys/socket.h'],
    pattern: /^MSG_/,
    except: /^MSG_(TRYHARD|PROXY)$/,
  },
  { name: 'RESOURCE_LIMITS', headers: ['sys/resource.h'], pattern: /^RLIMIT_/, except: /^RLIMIT_(OFILE|NLIMITS)$/ },
  {
    name: 'PTRACE_REQUESTS',
    headers: ['linux/ptrace.h'],
    pattern: /^PTRACE_/,
    except: /^PTRACE_(EVENT_|O_|SYSCALL_INFO_|PEEKSIGINFO_|EVENTMSG_|GET_RSEQ)/,
    later: {
      PTRACE_GET_RSEQ_CONFIGURATION: 0x420f,
      PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG: 0x4210, // 6.4
      PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: 0x4211,
      PTRACE_SET_SYSCALL_INFO: 0x4212, // 6.16
    },
  },
  { name: 'PROTECTIONS', headers: ['sys/mman.h'], pattern: /^PROT_/, except: /^PROT_NONE$/ },
  {
    name: 'MAP_FLAGS',
    headers: ['linux/mman.h'],
    pattern: /^MAP_/,
    except: /^MAP_(TYPE|FILE|HUGE_\w+|SHARED_VALIDATE|UNINITIALIZED|ANON|32BIT)$/,
  },
  {
    name: 'MEMORY_ADVICE',
    headers: ['asm/mman.h'],
    pattern: /^MADV_/,
    later: { MADV_GUARD_INSTALL: 102, MADV_GUARD_REMOVE: 103 },
  }, // 6.13
  {
    name: 'MEMFD_FLAGS',
    headers: ['linux/memfd.h'],
    pattern: /^MFD_/,
    except: /^MFD_HUGE_/,
    later: { MFD_NOEXEC_SEAL: 8, MFD_EXEC: 16 }, // 6.3
  },
  { name: 'SECCOMP_OPERATIONS', headers: ['linux/seccomp.h'], pattern: /^SECCOMP_(SET_MODE|GET_ACTION|GET_NOTIF)_/ },
  { name: 'SECCOMP_FLAGS', headers: ['linux/seccomp.h'], pattern: /^SECCOMP_FILTER_FLAG_/ },
  {
    name: 'KEXEC_FLAGS',
    headers: ['linux/kexec.h'],
    pattern: /^KEXEC_(ON_CRASH|PRESERVE_CONTEXT)$/,
    later: { KEXEC_UPDATE_ELFCOREHDR: 4, KEXEC_CRASH_HOTPLUG_SUPPORT: 8 },
  }, // 6.6, 6.10
  { name: 'REBOOT_COMMANDS', headers: ['linux/reboot.h'], pattern: /^LINUX_REBOOT_CMD_/ },
  { name: 'PERSONALITIES', headers: ['sys/personality.h'], pattern: /^PER_/, except: /^PER_MASK$/ },
  {
    name: 'PERSONALITY_FLAGS',
    headers: ['sys/personality.h'],
    pattern:
      /^(UNAME26|ADDR_NO_RANDOMIZE|FDPIC_FUNCPTRS|MMAP_PAGE_ZERO|ADDR_COMPAT_LAYOUT|READ_IMPLIES_EXEC|ADDR_LIMIT_32BIT|SHORT_INODE|WHOLE_SECONDS|STICKY_TIMEOUTS|ADDR_LIMIT_3GB)$/,
  },
  {
    name: 'URING_REGISTER_OPERATIONS',
    headers: ['linux/io_uring.h'],
    pattern: /^IORING_(UN)?REGISTER_/,
    except: /^IORING_REGISTER_(LAST|FILES_SKIP|USE_REGISTERED_RING)$/,
    later: {
      IORING_REGISTER_PBUF_STATUS: 26, // 6.8
      IORING_REGISTER_NAPI: 27, // 6.9
      IORING_UNREGISTER_NAPI: 28,
      IORING_REGISTER_CLOCK: 29, // 6.12
      IORING_REGISTER_CLONE_BUFFERS: 30,
      IORING_REGISTER_SEND_MSG_RING: 31, // 6.13
      IORING_REGISTER_ZCRX_IFQ: 32, // 6.15
      IORING_REGISTER_RESIZE_RINGS: 33, // 6.13
      IORING_REGISTER_MEM_REGION: 34,
      IORING_REGISTER_QUERY: 35, // 6.18
    },
  },
  {
    name: 'URING_ENTER_FLAGS',
    headers: ['linux/io_uring.h'],
    pattern: /^IORING_ENTER_/,
    later: { IORING_ENTER_ABS_TIMER: 32, IORING_ENTER_EXT_ARG_REG: 64, IORING_ENTER_NO_IOWAIT: 128 },
  }, // 6.12, 6.13, 6.15
  {
    name: 'FCNTL_COMMANDS',
    headers: ['linux/fcntl.h'],
    pattern:
      /^F_(DUPFD\w*|[GS]ETFD|[GS]ETFL|[GS]ETLK|SETLKW|[GS]ETLK64|SETLKW64|[GS]ETOWN\w*|[GS]ETSIG|GETOWNER_UIDS|OFD_\w+|[GS]ETLEASE|NOTIFY|CANCELLK|[GS]ETPIPE_SZ|(ADD|GET)_SEALS|[GS]ET_(FILE_)?RW_HINT)$/,
  },
  {
    name: 'AT_FLAGS',
    headers: ['linux/fcntl.h'],
    pattern: /^AT_(SYMLINK_NOFOLLOW|SYMLINK_FOLLOW|NO_AUTOMOUNT|EMPTY_PATH|RECURSIVE)$/,
  },
  {
    name: 'QUOTA_COMMANDS',
    headers: ['linux/quota.h'],
    pattern: /^Q_[A-Z]+$/,
  },
  {
    name: 'FANOTIFY_INIT_FLAGS',
    headers: ['linux/fanotify.h'],
    pattern:
      /^FAN_(CLOEXEC|NONBLOCK|CLASS_CONTENT|CLASS_PRE_CONTENT|UNLIMITED_QUEUE|UNLIMITED_MARKS|ENABLE_AUDIT|REPORT_(PIDFD|TID|FID|DIR_FID|NAME|TARGET_FID))$/,
  },
  {
    name: 'FANOTIFY_MARK_FLAGS',
    headers: ['linux/fanotify.h'],
    pattern:
      /^FAN_MARK_(ADD|REMOVE|DONT_FOLLOW|ONLYDIR|MOUNT|IGNORED_MASK|IGNORED_SURV_MODIFY|FLUSH|FILESYSTEM|EVICTABLE|IGNORE)$/,
  },
  {
    name: 'INOTIFY_MASK',
    headers: ['sys/inotify.h'],
    pattern: /^IN_[A-Z_]+$/,
    except: /^IN_(CLOEXEC|NONBLOCK|CLOSE|MOVE|ALL_EVENTS|CLASS\w*|LOOPBACKNET)$/,
  },
  { name: 'CLOCKS', headers: ['linux/time.h'], pattern: /^CLOCK_/ },
  {
    name: 'SCHEDULERS',
    headers: ['linux/sched.h'],
    pattern: /^SCHED_(NORMAL|FIFO|RR|BATCH|IDLE|DEADLINE)$/,
    later: { SCHED_EXT: 7 },
  }, // 6.12
  {
    name: 'ARCH_PRCTL_CODES',
    headers: ['asm/prctl.h'],
    pattern: /^ARCH_/,
    later: {
      ARCH_SHSTK_ENABLE: 0x5001,
      ARCH_SHSTK_DISABLE: 0x5002,
      ARCH_SHSTK_LOCK: 0x5003,
      ARCH_SHSTK_UNLOCK: 0x5004,
      ARCH_SHSTK_STATUS: 0x5005,
    },
  }, // 6.6
  {
    name: 'IOCTL_REQUESTS',
    headers: ['asm-generic/ioctls.h', 'linux/sockios.h', 'linux/fs.h', 'linux/if_tun.h'],
    pattern:
      /^(TC[A-Z]+|TIO[A-Z]+|FIO[A-Z]+|SIOC[A-Z]+|FS_IOC_[GS]ETFLAGS|FS_IOC_FS[GS]ETXATTR|FICLONE|FICLONERANGE|FIDEDUPERANGE|FIFREEZE|FITHAW|FITRIM|BLK[A-Z]+|TUN[A-Z]+)$/,
    except: /^(SIOCPROTOPRIVATE|SIOCDEVPRIVATE|TIOCPKT|BLKTRACESETUP|[GS]ISO7816|TIOC[GS]ISO\w*)$/,
  },
  { name: 'MODULE_FLAGS', headers: ['linux/module.h'], pattern: /^MODULE_INIT_/ },
  {
    name: 'USERFAULT_FLAGS',
    headers: ['linux/userfaultfd.h', 'fcntl.h'],
    pattern: /^(UFFD_USER_MODE_ONLY|O_CLOEXEC|O_NONBLOCK)$/,
  },
];
