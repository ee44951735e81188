"""First program in a sandbox: gives up what a decoder never needs, then becomes the program it was told.

`media.sandbox` runs it as `python -I -S sandbox_exec.py PARENT RULESET MEMORY CPU FILE_BYTES FILES PROGRAM…`.
Built-in modules only, as every start pays for it (about 15 ms). With `features` for a program it prints what took hold.
"""

import ctypes
import os
import resource
import struct
import sys
import time

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_FILTER = 1, 38, 22, 2
CLONE_NEWUSER, CLONE_NEWNET, CLONE_THREAD = 0x10000000, 0x40000000, 0x10000
LANDLOCK_RESTRICT_SELF = 446
SIGKILL, EPERM, ENOSYS = 9, 1, 38

# Refused: new processes, sockets, other processes' lives and memory, doors into the kernel; in this order (none in ARM
# for fork and vfork):
# fork vfork socket socketpair kill tkill tgkill pidfd_send_signal ptrace process_vm_readv process_vm_writev
# io_uring_setup bpf perf_event_open userfaultfd keyctl add_key mount unshare setns
_X86 = (57, 58, 41, 53, 62, 200, 234, 424, 101, 310, 311, 425, 321, 298, 323, 250, 248, 165, 272, 308)
_ARM = (198, 199, 129, 130, 131, 424, 117, 270, 271, 425, 280, 241, 282, 219, 217, 40, 97, 268)
MACHINES = {  # audit architecture, clone, clone3, refused calls
    "x86_64": (0xC000003E, 56, 435, _X86),
    "aarch64": (0xC00000B7, 220, 435, _ARM),
}

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, DENY, KILL, NO_SUCH_CALL = 0x7FFF0000, 0x00050000 | EPERM, 0x80000000, 0x00050000 | ENOSYS


def seccomp_program(machine: tuple[int, int, int, tuple[int, ...]]) -> bytes:
    """A classic BPF filter: foreign architectures die, listed calls fail, clone makes threads only."""
    arch, clone, clone3, refused = machine
    rows = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, arch), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    rows += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, DENY)]  # the x32 doubles of all calls
    for number in refused:
        rows += [(EQUAL, 0, 1, number), (RETURN, 0, 0, DENY)]
    rows += [(EQUAL, 0, 1, clone3), (RETURN, 0, 0, NO_SUCH_CALL)]  # its flags cannot be seen; libc falls back to clone
    rows += [(EQUAL, 0, 3, clone), (LOAD, 0, 0, 16), (ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, DENY)]
    rows += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *row) for row in rows)


def no_network(libc: ctypes.CDLL) -> bool:
    """An empty network namespace; without root that takes a user namespace, which some systems refuse."""
    return bool(libc.unshare(CLONE_NEWNET | (0 if os.geteuid() == 0 else CLONE_NEWUSER)) == 0)


def die_with_parent(libc: ctypes.CDLL) -> bool:
    """After `no_network`: a change of credentials clears it."""
    return bool(libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0)


def no_new_privileges(libc: ctypes.CDLL) -> bool:
    return bool(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)


def few_calls(libc: ctypes.CDLL) -> bool:
    machine = MACHINES.get(os.uname().machine)
    if machine is None:
        return False
    program = seccomp_program(machine)
    held = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    filter_address = ctypes.create_string_buffer(head, len(head))
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_FILTER, filter_address, 0, 0) == 0)


def only_files_of(libc: ctypes.CDLL, ruleset: int) -> bool:
    applied = libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return bool(applied)


def limit(memory: int, cpu: int, file_bytes: int, files: int) -> None:
    """Address space, CPU seconds, bytes per file, open files; no core dumps. Never above what is allowed to us."""
    wanted = {"CPU": cpu, "FSIZE": file_bytes, "NOFILE": files, "CORE": 0}
    if sys.platform == "linux":  # macOS counts gigabytes of shared system libraries
        wanted["AS"] = memory
    for name, value in wanted.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        ceiling = resource.getrlimit(kind)[1]
        allowed = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(kind, (allowed, allowed))


def give_way() -> None:
    """Be half as nice to other sessions as we are within ours: it is new, and Linux with autogroups (sched(7)) divides
    the CPU among sessions first. Without this a niced program has as much of it as all of the stack; with all of it,
    one beside a dozen busy sessions comes to a standstill.
    """
    nice = os.nice(0) // 2
    try:
        file = os.open("/proc/self/autogroup", os.O_WRONLY)
    except OSError:
        return
    for _ in range(10 if nice > 0 else 0):
        try:
            os.write(file, str(nice).encode())
            break
        except BlockingIOError:  # ten changes a second are allowed, whoever makes them
            time.sleep(0.1)
        except OSError:  # the session of the kernel's own first process has no group: nothing to give way with
            break
    os.close(file)


def enter(parent: int, ruleset: int) -> list[str]:
    """Apply everything this system has; the names of what took hold. Ends the process when its parent is gone."""
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    held = {
        "network namespace": no_network(libc),
        "dies with its parent": die_with_parent(libc),
        "no new privileges": no_new_privileges(libc),
        "landlock": ruleset >= 0 and only_files_of(libc, ruleset),
        "seccomp": few_calls(libc),
    }
    if os.getppid() != parent:
        os._exit(125)
    if ruleset >= 0 and not held["landlock"]:
        raise OSError("the kernel made a landlock ruleset and then refused it")
    return [name for name, holds in held.items() if holds]


def main(arguments: list[str]) -> None:
    parent, ruleset, memory, cpu, file_bytes, files = (int(word) for word in arguments[:6])
    give_way()
    limit(memory, cpu, file_bytes, files)
    held = enter(parent, ruleset)
    if arguments[6:] == ["features"]:
        sys.stdout.write("\n".join(held))
        return
    os.execv(arguments[6], arguments[6:])


if __name__ == "__main__":
    main(sys.argv[1:])
