# SPDX-License-Identifier: Apache-2.0
"""What tests ask of the kernel around Usher: /proc, limits, system call filters. Owns no process."""
import collections
import contextlib
import ctypes
import os
import re
import resource
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, PR_SET_SECCOMP = 36, 38, 1, 22
IO_URING_SETUP = 425
SO_PEERPIDFD = 77
SYSCTL = "/proc/sys/net/core/somaxconn"


def has_peerpidfd():
    """From Linux 6.5 the other end of a Unix socket can be had as a pidfd."""
    one, other = socket.socketpair()
    with one, other:
        try:
            os.close(one.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
        except OSError:
            return False
    return True


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def alive(pid):
    """False for a zombie too."""
    try:
        return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def started(pid):
    """When, in ticks since boot; None if there is no such process."""
    try:
        return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, read(f"/proc/{pid}/task/{task}/children").split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return sorted(found)


def family(pid):
    """The process and all below it."""
    found = [pid]
    for one in found:
        found += children(one)
    return found


def fds(pid):
    """How many open fds of each kind: {"socket": n, "anon_inode:[io_uring]": n, …}."""
    kinds = collections.Counter()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                kinds[re.sub(r":\[\d+\]$", "", os.readlink(f"/proc/{pid}/fd/{fd}"))] += 1
    except (FileNotFoundError, ProcessLookupError):
        pass
    return kinds


def sockets(pid):
    """What each socket of a process is: "tcp6 state 0A port 443", "unix /path"."""
    names = {}
    for table in ("tcp", "tcp6"):
        for line in read(f"/proc/{pid}/net/{table}").splitlines()[1:]:
            _, local, remote, state, *rest = line.split()
            ports = [int(end.rpartition(":")[2], 16) for end in (local, remote)]
            names[rest[5]] = f"{table} state {state} ports {ports[0]} {ports[1]}"
    for line in read(f"/proc/{pid}/net/unix").splitlines()[1:]:
        words = line.split()
        names[words[6]] = f"unix type {words[4]} {' '.join(words[7:])}"
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}")):
                found.append(names.get(match[1], "unnamed"))
    return sorted(found)


def status(pid, key):
    return re.search(rf"^{key}:\s*(.*)$", read(f"/proc/{pid}/status"), re.M).group(1)


def stopped(pid):
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] == "T"


def become_subreaper():
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def deny(syscall, error):
    """For preexec_fn: the system call then fails with error in the process and all that it starts."""
    def statement(code, jump_true, jump_false, value):
        return struct.pack("=HBBI", code, jump_true, jump_false, value)
    program = (statement(0x20, 0, 0, 0)               # load the system call's number
               + statement(0x15, 0, 1, syscall)       # is it the one?
               + statement(0x06, 0, 0, 0x00050000 | error)  # SECCOMP_RET_ERRNO
               + statement(0x06, 0, 0, 0x7FFF0000))   # SECCOMP_RET_ALLOW
    buffer = ctypes.create_string_buffer(program, len(program))

    class Filter(ctypes.Structure):
        _fields_ = [("count", ctypes.c_ushort), ("program", ctypes.c_void_p)]
    filter_ = Filter(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))

    def install():
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no_new_privs")
        if libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(filter_), 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")
    return install


def limit(which, soft):
    """For preexec_fn: both limits."""
    return lambda: resource.setrlimit(which, (soft, soft))


@contextlib.contextmanager
def somaxconn(least):
    """At least that much while inside. PermissionError where it may not be raised."""
    before = int(read(SYSCTL))
    if before >= least:
        yield
        return
    with open(SYSCTL, "w", encoding="ascii") as file:
        file.write(str(least))
    try:
        yield
    finally:
        with open(SYSCTL, "w", encoding="ascii") as file:
            file.write(str(before))
