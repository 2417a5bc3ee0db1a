"""Starts one training, detached from whatever started it, and records how it ends.

Shipped with every run and used alone: one file, standard library only, Python 3.8 or newer.  The client also imports it,
so that "is it alive" is decided in one place only.

::

    supervisor.py start RUN_DIR             returns once the script is executing, waits in the queue, or cannot start
    supervisor.py status RUN_DIR
    supervisor.py stop RUN_DIR [--grace S]
    supervisor.py list HOME                 the runs that are not over

Each prints one JSON object and exits 0 when its ``ok`` is true, otherwise 1.  The run directory holds

=================== =====================================================================================
``spec.json``       what to run, written by the client
``supervisor.json`` who supervises, and the leader: the process that runs the script
``state.json``      where the run is in its life
``events.jsonl``    how it got there
``train.log``       what the script printed; only ever appended to
``heartbeat``       touched while the supervisor lives
``stop.json``       the newest wish that the run end
``exit.json``       how the run ended; there is one exactly when the supervisor saw the end
``supervisor.log``  what went wrong in the supervisor itself
=================== =====================================================================================

Three processes: the *supervisor*; the *leader*, which becomes the script, in a session of its own; and the *logger*, which
moves the script's output from a pipe into ``train.log``, so that neither a full disk nor a dead supervisor is felt by the
script.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    Json = dict[str, Any]

SCHEMA = 1
ALIVE, DEAD, UNKNOWN = "alive", "dead", "unknown"
ACTIVE_STATES = ("queued", "preparing", "running", "stopping")
FINAL_STATES = ("succeeded", "failed", "stopped")
GPU_PLACEHOLDER = "--nproc-per-node=auto"
"""Replaced by the supervisor where ``spec.nproc`` is 0, because only the machine itself can count its GPUs."""

START_WINDOW_S = 60.0
SETTLE_S = 1.0
DRAIN_S = 10.0
RESERVED_BYTES = 4096
CHUNK_BYTES = 65536
MAX_STRAGGLERS = 20
PR_SET_CHILD_SUBREAPER = 36

_LISTS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")

Process = collections.namedtuple("Process", "pid ppid pgrp state start_ticks command")


# ── Which process is which ──────────────────────────────────────────────────────────────────────


def boot_id(proc: str = "/proc") -> str | None:
    """Name this boot of the machine; ``None`` when it cannot be told."""
    try:
        with open(os.path.join(proc, "sys/kernel/random/boot_id"), encoding="ascii") as file:
            return file.read().strip() or None
    except (OSError, ValueError):
        return None if os.path.isdir(proc) else _output(["sysctl", "-n", "kern.boottime"])


def read_process(pid: int, proc: str = "/proc") -> Process | None:
    """Look at one process; ``None`` when there is none.

    Raises:
        OSError: it is there and may not be looked at.
        ValueError: what was read makes no sense.
    """
    if not os.path.isdir(proc):
        return _ps_processes().get(pid)
    try:
        with open(os.path.join(proc, str(pid), "stat"), "rb") as file:
            return _parse_stat(file.read())
    except (FileNotFoundError, ProcessLookupError):
        if proc == "/proc" and _is_hidden(pid):
            raise PermissionError(errno.EACCES, "this process is hidden", str(pid)) from None
        return None


def _parse_stat(stat: bytes) -> Process:
    name_end = stat.rindex(b")")  # the name itself may hold spaces and parentheses
    fields = stat[name_end + 1 :].split()
    if len(fields) < 20:
        raise ValueError("short stat line")
    return Process(
        pid=int(stat[: stat.index(b"(")]),
        ppid=int(fields[1]),
        pgrp=int(fields[2]),
        state=fields[0].decode("ascii"),
        start_ticks=int(fields[19]),
        command=stat[stat.index(b"(") + 1 : name_end].decode("utf-8", "replace"),
    )


def _is_hidden(pid: int) -> bool:
    """Whether /proc keeps a process from us that exists, as ``hidepid`` does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return not os.path.exists(f"/proc/{pid}/stat")


def _ps_processes() -> dict[int, Process]:
    """List processes where there is no /proc."""
    found = {}
    table = _output(["ps", "-axo", "pid=,ppid=,pgid=,stat=,lstart=,comm="]) or ""
    for line in table.splitlines():
        words = line.split(None, 9)
        if len(words) == 10:
            pid, ppid, pgrp = map(int, words[:3])
            found[pid] = Process(pid, ppid, pgrp, words[3][0], " ".join(words[4:9]), words[9])
    return found


def _output(argv: list[str]) -> str | None:
    import subprocess

    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace").strip() or None


def identify(pid: int) -> Json:
    """Say which process ``pid`` is, in a way that outlives the number: boot, pid and start time."""
    process = read_process(pid)
    ticks = process.start_ticks if process else None
    return {"pid": pid, "start_ticks": ticks, "boot_id": boot_id()}


def liveness(identity: Json, proc: str = "/proc") -> str:
    """Tell whether exactly this process lives: ``alive``, ``dead`` (also a zombie) or ``unknown``."""
    pid, ticks, boot = (identity.get(key) for key in ("pid", "start_ticks", "boot_id"))
    here = boot_id(proc)
    if not isinstance(pid, int) or pid <= 0 or ticks is None or boot is None or here is None:
        return UNKNOWN
    if boot != here:
        return DEAD
    try:
        process = read_process(pid, proc)
    except (OSError, ValueError, OverflowError):
        return UNKNOWN
    if process is None or process.start_ticks != ticks or process.state in "ZX":
        return DEAD
    return ALIVE


def send_signal(identity: Json, signum: int) -> bool:
    """Signal exactly this process, never another that got its number; false when it is gone."""
    with _pidfd(identity["pid"]) as pidfd:
        if liveness(identity) != ALIVE:
            return False
        try:
            if pidfd is None:
                os.kill(identity["pid"], signum)
            else:
                signal.pidfd_send_signal(pidfd, signum)  # type: ignore[attr-defined,unused-ignore]
        except ProcessLookupError:
            return False
    return True


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    """Hold on to a process, where Python and kernel can."""
    opener = getattr(os, "pidfd_open", None)
    try:
        descriptor = opener(pid) if opener else None
    except OSError:
        descriptor = None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _children(pid: int) -> list[int]:
    """The direct children of a process, zombies included."""
    if not _LISTS_CHILDREN:
        return [process.pid for process in _all_processes() if process.ppid == pid]
    found: list[int] = []
    with contextlib.suppress(OSError):  # it, or one of its threads, ended meanwhile
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(map(int, file.read().split()))
    return found


def _all_processes() -> Iterable[Process]:
    if not os.path.isdir("/proc"):
        return list(_ps_processes().values())
    found = (_look(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [process for process in found if process is not None]


def _look(pid: int) -> Process | None:
    try:
        return read_process(pid)
    except (OSError, ValueError):
        return None


def descendants(pid: int) -> list[Process]:
    """Every living process below ``pid``.  Orphans count where ``pid`` adopts them (see PR_SET_CHILD_SUBREAPER)."""
    found = []
    pending = _children(pid)
    while pending:
        child = pending.pop()
        process = _look(child)
        if process is None:
            continue
        if process.state not in "ZX":
            found.append(process)
        pending.extend(_children(child))
    return found


def group_members(pgrp: int) -> list[Process]:
    """Every living process of a process group."""
    return [found for found in _all_processes() if found.pgrp == pgrp and found.state not in "ZX"]


# ── Files ───────────────────────────────────────────────────────────────────────────────────────


def read_json(path: str) -> Json:
    """Read a JSON object.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be read or is something else.
    """
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{os.path.basename(path)} is unreadable: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{os.path.basename(path)} holds no JSON object")  # noqa: TRY004 - damage is one kind
    return value


def to_bytes(text: str) -> bytes:
    """Give back the bytes that a lone surrogate stands for, whatever the locale."""
    return text.encode("utf-8", "surrogateescape")


def expand(path: str) -> str:
    """Resolve a leading ``~`` on the machine that it belongs to."""
    return os.path.expanduser(path)


def timestamp(seconds: float | None = None) -> str:
    """Say when, in UTC: 2026-01-31T12:34:56.789Z."""
    now = time.time() if seconds is None else seconds
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%03dZ" % (now % 1 * 1000)


def open_private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, and never through a symbolic link."""
    return os.open(to_bytes(path), flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def write_all(descriptor: int, data: bytes) -> int:
    """Write what can be written, such as until the disk is full, and return how many bytes that was."""
    written = 0
    with contextlib.suppress(OSError):
        while written < len(data):
            written += os.write(descriptor, data[written:])
    return written


def padded(value: Json) -> bytes:
    """Encode a record; blanks up to a fixed size let it be replaced in place, which needs no free disk space."""
    return json.dumps(value).encode("ascii").ljust(RESERVED_BYTES - 1) + b"\n"


class ReservedFile:
    """A small JSON file that can be replaced even when the disk is full.

    A spare file of full size is made in advance.  Replacing writes into the spare and renames it; what it replaces is
    the next spare.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.spare = path + ".spare"
        self._write(padded({}))

    def replace(self, value: Json, is_last: bool = False) -> None:
        """Replace the content at once.  ``is_last`` also makes it survive a power cut and gives up the spare."""
        self._write(padded(value), is_last)
        old = self.path + ".old"
        with contextlib.suppress(OSError):
            if not is_last:
                os.link(self.path, old)
        os.rename(self.spare, self.path)
        with contextlib.suppress(OSError):
            os.rename(old, self.spare)
        if is_last:
            _sync_directory(os.path.dirname(self.path))

    def release(self) -> None:
        """Remove the spare."""
        with contextlib.suppress(OSError):
            os.unlink(self.spare)

    def _write(self, data: bytes, is_durable: bool = False) -> None:
        descriptor = open_private(self.spare, os.O_WRONLY)
        try:
            if write_all(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.spare)
            if is_durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ── The traces of a run, read back ──────────────────────────────────────────────────────────────


def describe(run_dir: str, proc: str = "/proc") -> Json:
    """Say how a run stands, from its directory alone.  Damage is a state, never an exception."""
    report: Json = {"run_dir": run_dir, "state": "unknown", "detail": ""}
    try:
        report.update(_read_spec(run_dir))
        report.update(_read_state(run_dir, proc))
    except FileNotFoundError as error:
        report["detail"] = f"{os.path.basename(error.filename)} is missing"
    except ValueError as error:
        report["detail"] = str(error)
    return report


_SPEC_KEYS = (
    "run_id",
    "name",
    "provider",
    "resource",
    "script",
    "args",
    "cwd",
    "project_dir",
    "created_at",
    "attempt",
    "resume_from",
)


def _read_spec(run_dir: str) -> Json:
    spec = read_json(os.path.join(run_dir, "spec.json"))
    if not isinstance(spec.get("run_id"), str):
        raise ValueError("spec.json names no run")  # noqa: TRY004 - damage is one kind
    found = {key: spec.get(key) for key in _SPEC_KEYS}
    found["log"] = log_path(run_dir, spec)
    found["checkpoint_dir"] = checkpoint_dir(run_dir, spec)
    return found


def log_path(run_dir: str, spec: Json) -> str:
    """Where a run's output goes."""
    return expand(spec.get("log") or os.path.join(run_dir, "train.log"))


def checkpoint_dir(run_dir: str, spec: Json) -> str:
    """Where a run's checkpoints go."""
    return expand(spec.get("checkpoint_dir") or os.path.join(run_dir, "checkpoints"))


def _read_state(run_dir: str, proc: str) -> Json:
    """Derive the state: the exit record first, then whoever is still alive."""
    ended = _read_exit(run_dir)
    if ended is not None:
        return ended
    try:
        supervisor = read_json(os.path.join(run_dir, "supervisor.json"))
    except FileNotFoundError:
        return _read_unstarted(run_dir)
    host = os.uname().nodename
    if supervisor.get("hostname") != host:
        there = supervisor.get("hostname")
        return {"state": "unknown", "detail": f"it runs on host {there}, this is {host}"}
    found = liveness(supervisor, proc)
    if found == ALIVE:
        return dict(_read_known(run_dir, "state.json", ACTIVE_STATES), pid=supervisor["pid"])
    if found == UNKNOWN:
        return {"state": "unknown", "detail": "whether its supervisor lives cannot be told"}
    # It may have ended properly since we looked.
    return _read_exit(run_dir) or _read_lost(run_dir, supervisor, proc)


def _read_exit(run_dir: str) -> Json | None:
    try:
        return _read_known(run_dir, "exit.json", FINAL_STATES)
    except FileNotFoundError:
        return None


def _read_known(run_dir: str, name: str, states: tuple[str, ...]) -> Json:
    found = read_json(os.path.join(run_dir, name))
    if found.get("state") not in states:
        raise ValueError(f"{name} has no known state")
    return found


def _read_unstarted(run_dir: str) -> Json:
    age_s = time.time() - os.stat(os.path.join(run_dir, "spec.json")).st_mtime
    if age_s < START_WINDOW_S:
        return {"state": "unknown", "detail": "it is being started"}
    return {"state": "lost", "detail": "it was never started"}


def _read_lost(run_dir: str, supervisor: Json, proc: str) -> Json:
    pid, leader = supervisor.get("pid"), supervisor.get("leader") or {}
    lost: Json = {"state": "lost", "started_at": supervisor.get("started_at")}
    if leader and liveness(leader, proc) == ALIVE:
        detail = (
            f"its supervisor (pid {pid}) is gone, but the training goes on as pid {leader['pid']}"
        )
        return dict(lost, detail=detail, leader=leader)
    if supervisor.get("boot_id") != boot_id(proc):
        return dict(lost, detail="the machine was restarted while it ran")
    if os.path.exists(os.path.join(run_dir, "stop.json")):
        return dict(lost, detail=f"its supervisor (pid {pid}) vanished; it was stopped on request")
    return dict(lost, detail=f"its supervisor (pid {pid}) vanished without an exit record")


def list_active(home: str) -> list[Json]:
    """Describe every run of this machine that is not over, or cannot be proved to be."""
    runs = os.path.join(home, "runs")
    try:
        names = sorted(os.listdir(runs))
    except FileNotFoundError:
        return []
    found = [describe(os.path.join(runs, name)) for name in names if not _is_over(runs, name)]
    return [run for run in found if run["state"] not in FINAL_STATES and not _is_dead(run)]


def _is_over(runs: str, name: str) -> bool:
    return name.startswith(".") or os.path.exists(os.path.join(runs, name, "exit.json"))


def _is_dead(run: Json) -> bool:
    return run["state"] == "lost" and not run.get("leader")


# ── One run at a time ───────────────────────────────────────────────────────────────────────────


class BusyLockError(Exception):
    """Another run holds the lock; ``holder`` describes it as far as is known."""

    def __init__(self, holder: Json) -> None:
        super().__init__("busy")
        self.holder = holder


class RunLock:
    """The right to train: an flock that the kernel frees with its holder.

    Its file names the holder, so that a training which outlived its supervisor still counts.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        os.makedirs(to_bytes(os.path.dirname(path)), mode=0o700, exist_ok=True)
        self.descriptor = open_private(path, os.O_RDWR)

    def try_acquire(self) -> None:
        """Take the lock now.

        Raises:
            BusyLockError: somebody trains or waits in front of us.
        """
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyLockError(self.holder()) from None
        waiting = Ticket.waiting(self.path)
        if waiting is not None:
            raise BusyLockError(waiting)
        if self.surviving_leader() is not None:
            raise BusyLockError(self.holder())

    def holder(self) -> Json:
        """Read who holds the lock, or held it last."""
        return _read_record(self.descriptor)

    def surviving_leader(self) -> Json | None:
        """The last holder's script, where it may still live although its supervisor does not."""
        leader = self.holder().get("leader")
        return leader if leader and liveness(leader) != DEAD else None

    def record(self, holder: Json) -> None:
        """Write who holds the lock; a full disk costs only this description."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        write_all(self.descriptor, padded(holder))


def _read_record(descriptor: int) -> Json:
    try:
        value = json.loads(os.pread(descriptor, RESERVED_BYTES * 4, 0))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class Ticket:
    """A place in the queue: a locked file whose name sorts by arrival; a dead waiter's lock is free."""

    def __init__(self, lock_path: str, holder: Json) -> None:
        folder = Ticket.folder(lock_path)
        os.makedirs(to_bytes(folder), mode=0o700, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}"
        self.path = os.path.join(folder, name)
        hidden = os.path.join(folder, "." + name)
        self.descriptor = open_private(hidden, os.O_RDWR)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        write_all(self.descriptor, json.dumps(holder).encode("ascii"))
        os.rename(to_bytes(hidden), to_bytes(self.path))  # nobody ever sees it unlocked

    @staticmethod
    def folder(lock_path: str) -> str:
        """Where the tickets of a lock are."""
        return lock_path + ".queue"

    @staticmethod
    def names(lock_path: str) -> list[str]:
        """All tickets, first come first."""
        try:
            names = os.listdir(to_bytes(Ticket.folder(lock_path)))
        except FileNotFoundError:
            return []
        return sorted(os.fsdecode(name) for name in names if not name.startswith(b"."))

    @staticmethod
    def waiting(lock_path: str) -> Json | None:
        """Describe the first run that waits, if one does."""
        for name in Ticket.names(lock_path):
            descriptor = _open_existing(os.path.join(Ticket.folder(lock_path), name))
            if descriptor is None:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return _read_record(descriptor)
            finally:
                os.close(descriptor)
        return None

    def ahead(self) -> str | None:
        """The path of the ticket right in front of this one."""
        folder, own = os.path.split(self.path)
        before = [name for name in Ticket.names(folder[: -len(".queue")]) if name < own]
        return os.path.join(folder, before[-1]) if before else None

    def give_back(self) -> None:
        """Leave the queue."""
        _unlink(self.path)
        os.close(self.descriptor)


def _open_existing(path: str) -> int | None:
    try:
        return os.open(to_bytes(path), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(to_bytes(path))


# ── Waiting ─────────────────────────────────────────────────────────────────────────────────────


class Wakeups:
    """Makes signals readable, so that one ``select`` waits for everything without a race."""

    def __init__(self) -> None:
        self.descriptor, target = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(target, False)
        signal.set_wakeup_fd(target, warn_on_full_buffer=False)
        for signum in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(signum, lambda *_: None)
        for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(signum, signal.SIG_IGN)

    def wait(self, timeout_s: float) -> set[int]:
        """Sleep until a signal comes or time is up, and return the signals."""
        if not select.select([self.descriptor], [], [], max(0.0, timeout_s))[0]:
            return set()
        with contextlib.suppress(BlockingIOError):
            return set(os.read(self.descriptor, 4096))
        return set()


def reset_signals() -> None:
    """Undo what a process inherits of our handling."""
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def fork(body: Callable[[], object]) -> int:
    """Run ``body`` in a copy of this process and return its pid; an exception there is exit code 70."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        body()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may unwind into the parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def close_descriptors(keep: Iterable[int]) -> None:
    """Close everything above standard error but ``keep``."""
    kept = set(keep)
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(folder):
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


# ── Output ──────────────────────────────────────────────────────────────────────────────────────


class OutputPipe:
    """The script's output on its way into the log.

    The supervisor keeps the reading end, so that the script can outlive a logger; the logger outlives the supervisor.
    """

    def __init__(self, log: str) -> None:
        import mmap

        self.log = log
        self.reader, self.writer = os.pipe()
        self._shared = mmap.mmap(-1, 16)  # survives a logger: bytes dropped, bytes in its hands
        self.pid = 0
        self.start_logger()

    def start_logger(self) -> None:
        """Start the logger, for the first time or after somebody killed it."""
        self._drop(self._held_bytes)
        self._hold(0)
        self.pid = fork(self._move)

    def close_writer(self) -> None:
        """Leave the writing end to the script alone, so that its end is the end of the output."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    @property
    def dropped_bytes(self) -> int:
        """How much output found no room on the disk."""
        return int.from_bytes(self._shared[:8], "little")

    @property
    def _held_bytes(self) -> int:
        return int.from_bytes(self._shared[8:], "little")

    def _hold(self, count: int) -> None:
        self._shared[8:] = count.to_bytes(8, "little")

    def _drop(self, count: int) -> None:
        self._shared[:8] = (self.dropped_bytes + count).to_bytes(8, "little")

    @property
    def is_drained(self) -> bool:
        """Whether everything written so far is in the log."""
        import termios

        size = fcntl.ioctl(self.reader, termios.FIONREAD, b"\0" * 4)
        return not any(size) and not self._held_bytes  # in this order: the logger marks, then reads

    def _move(self) -> None:
        os.setsid()  # a signal to the supervisor's group must not end the log
        reset_signals()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        close_descriptors([self.reader])
        log = self._open_log()
        while True:
            select.select([self.reader], [], [])
            self._hold(1)
            data = os.read(self.reader, CHUNK_BYTES)
            self._hold(len(data))
            if not data:
                break
            self._drop(len(data) - write_all(log, data))
            self._hold(0)

    def _open_log(self) -> int:
        """A log that cannot be opened loses its content; the script must go on."""
        try:
            return open_private(self.log, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return -1


# ── Starting a program ──────────────────────────────────────────────────────────────────────────


class LaunchError(Exception):
    """The program could not be executed."""


class Leader:
    """A program in a session of its own, held back until it is on record.

    It executes only after ``release``; if the supervisor dies before that it ends unborn, so that no training is ever
    without a record.
    """

    def __init__(self, argv: list[str], cwd: str, env: dict[bytes, bytes], output: int) -> None:
        self.argv = [to_bytes(word) for word in argv]
        self.cwd, self.env, self.output = to_bytes(cwd), env, output
        gate_reader, self._gate = os.pipe()
        self._report, report_writer = os.pipe()
        self.pid = fork(lambda: self._become(gate_reader, report_writer))
        os.close(gate_reader)
        os.close(report_writer)
        self.identity = identify(self.pid)

    def release(self) -> None:
        """Let it execute.

        Raises:
            LaunchError: the folder or the program is not there or not usable.
        """
        with contextlib.suppress(BrokenPipeError):
            os.write(self._gate, b"x")
        os.close(self._gate)
        with os.fdopen(self._report, "rb") as report:
            problem = report.read().decode("utf-8", "replace")
        if problem:
            raise LaunchError(problem)

    def _become(self, gate: int, report: int) -> None:
        os.close(self._gate)
        os.setsid()
        reset_signals()
        if not os.read(gate, 1):
            return
        subject = self.cwd
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(self.output, 1)
            os.dup2(self.output, 2)
            os.chdir(self.cwd)
            subject = self.argv[0]
            os.execvpe(self.argv[0], self.argv, self.env)  # noqa: S606 - there is no shell
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            os.write(report, subject + b": " + reason.encode("utf-8", "replace"))


def adopt_orphans() -> bool:
    """Become the parent of every descendant that loses its own, so that none escapes unseen (Linux only)."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def count_gpus(env: dict[bytes, bytes]) -> int:
    """Count the NVIDIA GPUs that a program with this environment would see."""
    visible = env.get(b"CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([word for word in visible.split(b",") if word.strip() not in (b"", b"-1")])
    names = os.listdir("/dev")
    return len([name for name in names if name[:6] == "nvidia" and name[6:].isdigit()])


def compose_argv(spec: Json, env: dict[bytes, bytes]) -> list[str]:
    """The script's argument vector, with the number of processes filled in."""
    argv = list(spec["argv"])
    if spec.get("nproc") == 0:
        argv[argv.index(GPU_PLACEHOLDER)] = f"--nproc-per-node={max(1, count_gpus(env))}"
    return argv


def compose_env(run_dir: str, spec: Json) -> dict[bytes, bytes]:
    """What the script finds in its environment: ours, the spec's, and what describes the run."""
    told = {
        "PYTHONUNBUFFERED": "1",
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(max(1, int(spec["grace_s"] - 5))),
        **spec.get("env", {}),
        "RUNCTL_RUN_ID": spec["run_id"],
        "RUNCTL_CHECKPOINT_DIR": checkpoint_dir(run_dir, spec),
        "RUNCTL_ATTEMPT": str(spec.get("attempt", 1)),
        "RUNCTL_RESUME_FROM": spec.get("resume_from"),
        "RUNCTL_DATA_DIR": spec.get("data_dir"),
    }
    env = dict(os.environb)
    for key in ("RUNCTL_RESUME_FROM", "RUNCTL_DATA_DIR"):
        env.pop(key.encode("ascii"), None)  # of a run that started this one
    env.update({to_bytes(key): to_bytes(value) for key, value in told.items() if value is not None})
    return env


# ── The supervisor ──────────────────────────────────────────────────────────────────────────────


class Outcome(Exception):  # noqa: N818 - an end is not always an error
    """How a run ends."""

    def __init__(self, state: str, detail: str = "", status: int | None = None) -> None:
        super().__init__(state)
        self.state, self.detail = state, detail
        is_signal = status is not None and os.WIFSIGNALED(status)
        is_exit = status is not None and os.WIFEXITED(status)
        self.signal = os.WTERMSIG(status) if status is not None and is_signal else None
        self.exit_code = os.WEXITSTATUS(status) if status is not None and is_exit else None


class StopRequest:
    """A wish that the run end, and how far it has been granted."""

    def __init__(self) -> None:
        self.requested_at = timestamp()
        self.deadline_s = float("inf")
        self.told_pid = 0
        self.is_killed = False

    def shorten(self, grace_s: float) -> None:
        """Kill ``grace_s`` seconds from now at the latest."""
        self.deadline_s = min(self.deadline_s, time.monotonic() + max(0.0, grace_s))


class Supervisor:
    """Carries one run from its spec to its exit record."""

    def __init__(self, run_dir: str, spec: Json, answer: Callable[[Json], None]) -> None:
        self.run_dir, self.spec, self._answer = run_dir, spec, answer
        self.env = compose_env(run_dir, spec)
        self.heartbeat_s = float(spec.get("heartbeat_s", 10.0))
        self.wakeups = Wakeups()
        self.statuses: dict[int, int | None] = {}
        self.stop: StopRequest | None = None
        self.output: OutputPipe | None = None
        self.lock: RunLock | None = None
        self.started_at: str | None = None
        self.dropped_events = 0
        self.record: Json = dict(identify(os.getpid()), hostname=os.uname().nodename, leader=None)
        self._next_beat_s = 0.0
        self._record_file = ReservedFile(self._path("supervisor.json"))
        self._state_file = ReservedFile(self._path("state.json"))
        self._exit_file = ReservedFile(self._path("exit.json"))

    def run(self) -> None:
        """Do everything; the exit record is there when this returns."""
        try:
            self._record_file.replace(self.record)
            self._beat()
            self._acquire()
            self._prepare()
            self._train()
        except BusyLockError as busy:
            self._leave_no_trace()
            self._answer({"ok": False, "error": "busy", "holder": busy.holder})
        except Outcome as outcome:
            self._finish(outcome)

    # one run at a time

    def _acquire(self) -> None:
        if not self.spec.get("lock"):
            return
        self.lock = RunLock(expand(self.spec["lock"]))
        if self.spec.get("if_busy") == "queue":
            self._queue(self.lock)
        else:
            self.lock.try_acquire()
        self.lock.record(self._holder())

    def _queue(self, lock: RunLock) -> None:
        ticket = Ticket(lock.path, self._holder())
        self._enter("queued")
        self._answer({"ok": True, "state": "queued", "pid": os.getpid(), "holder": lock.holder()})
        try:
            self._await_turn(ticket)
            self._await_flock(lock.descriptor)
        finally:
            ticket.give_back()
        while lock.surviving_leader() is not None:
            self._pause(1.0)

    def _await_turn(self, ticket: Ticket) -> None:
        path = ticket.ahead()
        while path is not None:
            descriptor = _open_existing(path)
            if descriptor is not None:
                self._await_flock(descriptor)
                os.close(descriptor)
            _unlink(path)
            path = ticket.ahead()

    def _await_flock(self, descriptor: int) -> None:
        """Wait in a copy of ourselves: both share the open file, so what it locks is ours, and we stay free to be stopped."""

        def block() -> None:
            reset_signals()
            close_descriptors([descriptor])
            fcntl.flock(descriptor, fcntl.LOCK_EX)

        pid = self._expect(fork(block))
        try:
            while not self._has_ended(pid):
                self._pause(float("inf"))
        finally:
            if not self._has_ended(pid):
                os.kill(pid, signal.SIGKILL)
        if self.statuses[pid] != 0:
            raise Outcome("failed", "waiting for the lock failed")

    def _pause(self, timeout_s: float) -> None:
        """Wait while no program of the run is executing; a stop ends the run right here."""
        self._wait(timeout_s)
        self._reap()
        if self.stop is not None:
            raise Outcome("stopped", "stopped before the script started")

    def _holder(self) -> Json:
        told = {key: self.spec.get(key) for key in ("run_id", "name", "script")}
        log = log_path(self.run_dir, self.spec)
        return dict(self.record, **told, log=log, run_dir=self.run_dir, since=timestamp())

    def _leave_no_trace(self) -> None:
        """Remove the directory of a run that never was; the lock is taken before the script can write into it."""
        for name in os.listdir(self.run_dir):
            with contextlib.suppress(OSError):
                os.unlink(self._path(name))
        with contextlib.suppress(OSError):
            os.rmdir(self.run_dir)

    # programs

    def _prepare(self) -> None:
        self.output = OutputPipe(log_path(self.run_dir, self.spec))
        self._expect(self.output.pid)
        steps = self.spec.get("prepare") or []
        if steps:
            self._enter("preparing")
            self._answer({"ok": True, "state": "preparing", "pid": os.getpid()})
        for argv in steps:
            os.write(self.output.writer, to_bytes("runctl: preparing: " + " ".join(argv) + "\n"))
            status = self._execute(list(argv), "preparing")
            if status != 0:
                outcome = Outcome("failed", "", status)
                outcome.detail = f"preparing failed: {argv[0]} {_ending(outcome)}"
                outcome.exit_code = outcome.signal = None
                raise outcome

    def _train(self) -> None:
        os.makedirs(to_bytes(checkpoint_dir(self.run_dir, self.spec)), mode=0o700, exist_ok=True)
        status = self._execute(compose_argv(self.spec, self.env), "running")
        outcome = Outcome("succeeded" if status == 0 else "failed", "", status)
        if status != 0:
            outcome.detail = f"the script {_ending(outcome)}"
        raise outcome

    def _execute(self, argv: list[str], state: str) -> int:
        """Run a program to its end, or until the run is stopped."""
        if self.stop is not None:
            raise Outcome("stopped", "stopped before the script started")
        leader = self._launch(argv, state)
        while not self._has_ended(leader.pid):
            self._grant_stop(leader)
            self._wait(self._time_to_kill())
            self._reap()
        if self.stop is not None:
            self._end_group(leader)
            self._record_leader(None)
            raise Outcome("stopped", self._describe_stop(), self.statuses[leader.pid])
        self._record_leader(None)
        status = self.statuses[leader.pid]
        assert status is not None
        return status

    def _launch(self, argv: list[str], state: str) -> Leader:
        assert self.output is not None
        env = self.env
        leader = Leader(argv, expand(self.spec["cwd"]), env, self.output.writer)
        self._expect(leader.pid)
        adopt_orphans()
        if state == "running":
            self.started_at = timestamp()
            self.output.close_writer()
        self._record_leader(leader.identity)
        self._enter(state, leader_pid=leader.pid)
        try:
            leader.release()
        except LaunchError as error:
            self._answer({"ok": False, "error": "exec", "message": str(error)})
            raise Outcome("failed", f"cannot execute {error}") from None
        self._answer({"ok": True, "state": state, "pid": os.getpid(), "leader_pid": leader.pid})
        return leader

    def _record_leader(self, identity: Json | None) -> None:
        self.record.update(leader=identity, started_at=self.started_at)
        self._try(lambda: self._record_file.replace(self.record))
        if self.lock is not None:
            self.lock.record(self._holder())

    # stopping

    def _request_stop(self) -> None:
        try:
            wish = read_json(self._path("stop.json"))
        except (FileNotFoundError, ValueError):
            wish = {}
        if self.stop is None:
            self.stop = StopRequest()
            self._log_event("stop_requested")
        grace_s = wish.get("grace_s")
        self.stop.shorten(grace_s if isinstance(grace_s, (int, float)) else self.spec["grace_s"])

    def _grant_stop(self, leader: Leader) -> None:
        """Tell the leader alone, which passes it on as it sees fit; when time is up, end the whole group."""
        if self.stop is None:
            return
        if self.stop.told_pid != leader.pid:
            self.stop.told_pid = leader.pid
            os.kill(leader.pid, signal.SIGTERM)
            self._enter("stopping", leader_pid=leader.pid)
        if self._time_to_kill() <= 0:
            self._kill_group(leader)

    def _time_to_kill(self) -> float:
        if self.stop is None or self.stop.is_killed:
            return float("inf")
        return self.stop.deadline_s - time.monotonic()

    def _kill_group(self, leader: Leader) -> None:
        assert self.stop is not None
        if not self.stop.is_killed:
            self._log_event("killed")
        self.stop.is_killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)

    def _end_group(self, leader: Leader) -> None:
        """Let the rest of the group use what is left of the grace, then kill it.

        A group id can only be somebody else's once the group is empty, so members are looked for first.
        """
        assert self.stop is not None
        while self._members(leader) and self._time_to_kill() > 0 and not self.stop.is_killed:
            self._wait(min(self._time_to_kill(), SETTLE_S))
            self._reap()
        if self._members(leader):
            self._kill_group(leader)
            self._settle(lambda: not self._members(leader))

    def _members(self, leader: Leader) -> list[Process]:
        return [found for found in self._offspring() if found.pgrp == leader.pid]

    def _offspring(self) -> list[Process]:
        logger = self.output.pid if self.output else 0
        return [found for found in descendants(os.getpid()) if found.pid != logger]

    def _describe_stop(self) -> str:
        assert self.stop is not None
        if self.stop.is_killed:
            return "killed because it did not end within its grace period"
        return "stopped on request"

    # waiting

    def _wait(self, timeout_s: float) -> None:
        beat_s = self._next_beat_s - time.monotonic()
        if signal.SIGTERM in self.wakeups.wait(min(timeout_s, beat_s)):
            self._request_stop()
        if time.monotonic() >= self._next_beat_s:
            self._beat()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(-1, os.WNOHANG)
            while pid:
                if pid in self.statuses:  # otherwise an adopted orphan
                    self.statuses[pid] = status
                    self._mind_logger(pid, status)
                pid, status = os.waitpid(-1, os.WNOHANG)

    def _expect(self, pid: int) -> int:
        """Watch for the end of a child of our own; its number may have been another's before."""
        self.statuses[pid] = None
        return pid

    def _has_ended(self, pid: int) -> bool:
        return self.statuses[pid] is not None

    def _mind_logger(self, pid: int, status: int) -> None:
        if self.output is not None and pid == self.output.pid and status != 0:
            self._log_event("logger_restarted")
            self.output.start_logger()
            self._expect(self.output.pid)

    def _settle(self, is_settled: Callable[[], bool], timeout_s: float = SETTLE_S) -> None:
        """Give something that is about to happen a moment."""
        deadline_s = time.monotonic() + timeout_s
        while not is_settled() and time.monotonic() < deadline_s:
            self._wait(0.01)
            self._reap()

    # records

    def _finish(self, outcome: Outcome) -> None:
        dropped = self._close_output()
        stragglers = self._find_stragglers()
        value = {
            "schema": SCHEMA,
            "state": outcome.state,
            "exit_code": outcome.exit_code,
            "signal": outcome.signal,
            "detail": outcome.detail[:500],
            "started_at": self.started_at,
            "ended_at": timestamp(),
            "stop_requested_at": self.stop.requested_at if self.stop else None,
            "is_killed": bool(self.stop and self.stop.is_killed),
            "stragglers": stragglers,
            "log_bytes_dropped": dropped,
        }
        self._log_event(outcome.state)
        self._exit_file.replace(dict(value, events_dropped=self.dropped_events), is_last=True)
        for file in (self._record_file, self._state_file):
            file.release()
        self._answer({"ok": False, "error": "failed", "message": outcome.detail})

    def _close_output(self) -> int:
        """Wait until the log is complete, and return how many bytes are missing from it."""
        output = self.output
        if output is None:
            return 0
        output.close_writer()
        self._settle(lambda: self._has_ended(output.pid) or output.is_drained, DRAIN_S)
        return output.dropped_bytes

    def _find_stragglers(self) -> list[Json]:
        """Who is left of the script's descendants; they are reported and not touched."""
        self._settle(lambda: not self._offspring())
        left = self._offspring()[:MAX_STRAGGLERS]
        return [{"pid": found.pid, "command": found.command[:64]} for found in left]

    def _enter(self, state: str, **details: object) -> None:
        value = dict(details, state=state, since=timestamp(), started_at=self.started_at)
        self._try(lambda: self._state_file.replace(value))
        self._log_event(state, **details)

    def _log_event(self, event: str, **details: object) -> None:
        line = json.dumps(dict(details, at=timestamp(), event=event)).encode("ascii") + b"\n"

        def append() -> None:
            descriptor = open_private(self._path("events.jsonl"), os.O_WRONLY | os.O_APPEND)
            try:
                if write_all(descriptor, line) < len(line):
                    self.dropped_events += 1
            finally:
                os.close(descriptor)

        self._try(append)

    def _beat(self) -> None:
        self._next_beat_s = time.monotonic() + self.heartbeat_s

        def touch() -> None:
            os.close(open_private(self._path("heartbeat"), os.O_WRONLY))
            os.utime(self._path("heartbeat"))

        self._try(touch)

    def _try(self, record: Callable[[], None]) -> None:
        """Record something that the training must not fail for."""
        try:
            record()
        except OSError:
            self.dropped_events += 1

    def _path(self, name: str) -> str:
        return os.path.join(self.run_dir, name)


def _ending(outcome: Outcome) -> str:
    if outcome.signal is not None:
        return f"was ended by signal {outcome.signal}"
    return f"exited with code {outcome.exit_code}"


# ── Commands ────────────────────────────────────────────────────────────────────────────────────


def start(run_dir: str) -> Json:
    """Start a run and return once it is known whether it runs."""
    spec_path = os.path.join(run_dir, "spec.json")
    spec = read_json(spec_path)
    os.chmod(run_dir, 0o700)
    os.chmod(spec_path, 0o600)  # it may name secrets in ``env``
    reader, writer = os.pipe()
    os.waitpid(fork(lambda: _detach(run_dir, spec, writer)), 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        first = answers.readline()
    if not first:
        return {"ok": False, "error": "failed", "message": "the supervisor vanished while starting"}
    return dict(json.loads(first), run=describe(run_dir))


def _detach(run_dir: str, spec: Json, writer: int) -> None:
    """Fork again, so that the supervisor has no parent that could wait for it and no terminal it could get."""
    os.setsid()
    fork(lambda: _supervise(run_dir, spec, writer))


def _supervise(run_dir: str, spec: Json, writer: int) -> None:
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    mishaps = open_private(os.path.join(run_dir, "supervisor.log"), os.O_WRONLY | os.O_APPEND)
    os.dup2(mishaps, 2)
    close_descriptors([writer])
    answer = _Answer(writer)
    try:
        Supervisor(run_dir, spec, answer).run()
    except Exception as error:
        answer({"ok": False, "error": "failed", "message": f"{type(error).__name__}: {error}"})
        raise


class _Answer:
    """Tells the waiting ``start`` the first thing there is to tell; it may have been killed meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __call__(self, value: Json) -> None:
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):
            os.write(self._descriptor, json.dumps(value).encode("ascii") + b"\n")
        os.close(self._descriptor)
        self._descriptor = -1


def stop(run_dir: str, grace_s: float | None) -> Json:
    """Ask a run to end.  Returns at once, unless the supervisor is gone and its part must be played here."""
    found = describe(run_dir)
    if found["state"] in FINAL_STATES:
        return {"ok": True, "run": found}
    try:
        supervisor = read_json(os.path.join(run_dir, "supervisor.json"))
    except (FileNotFoundError, ValueError):
        return {"ok": False, "error": "unknown", "message": found["detail"]}
    if supervisor.get("hostname") != os.uname().nodename or liveness(supervisor) == UNKNOWN:
        return {"ok": False, "error": "unknown", "message": found["detail"]}
    _write_wish(run_dir, grace_s)
    leader = supervisor.get("leader") or {}
    if not send_signal(supervisor, signal.SIGTERM) and leader and liveness(leader) == ALIVE:
        _stop_orphan(leader, _grace_of(run_dir, grace_s))
    return {"ok": True, "run": describe(run_dir)}


def _write_wish(run_dir: str, grace_s: float | None) -> None:
    """Leave the details for the supervisor; on a full disk the signal alone must do."""
    path = os.path.join(run_dir, "stop.json")
    temporary = f"{path}.{os.getpid()}"
    with contextlib.suppress(OSError):
        descriptor = open_private(temporary, os.O_WRONLY | os.O_TRUNC)
        wish = {"grace_s": grace_s, "requested_at": timestamp()}
        written = write_all(descriptor, json.dumps(wish).encode("ascii"))
        os.close(descriptor)
        if written:
            os.rename(temporary, path)


def _grace_of(run_dir: str, grace_s: float | None) -> float:
    if grace_s is not None:
        return grace_s
    return float(read_json(os.path.join(run_dir, "spec.json"))["grace_s"])


def _stop_orphan(leader: Json, grace_s: float) -> None:
    """End a training whose supervisor is gone: tell the leader, wait, kill who is left of its group."""
    known = group_members(leader["pid"])
    send_signal(leader, signal.SIGTERM)
    deadline_s = time.monotonic() + grace_s
    while liveness(leader) == ALIVE and time.monotonic() < deadline_s:
        time.sleep(0.05)
    for process in known + group_members(leader["pid"]):
        identity = dict(leader, pid=process.pid, start_ticks=process.start_ticks)
        send_signal(identity, signal.SIGKILL)
    while liveness(leader) == ALIVE and time.monotonic() < deadline_s + SETTLE_S:
        time.sleep(0.01)


def main(argv: list[str]) -> int:
    """Run one command and print its answer."""
    try:
        answer = _run_command(argv)
    except (FileNotFoundError, ValueError, KeyError) as error:
        answer = {"ok": False, "error": "input", "message": str(error)}
    print(json.dumps(answer))
    return 0 if answer["ok"] else 1


def _run_command(argv: list[str]) -> Json:
    words = list(argv)
    if len(words) == 2 and words[0] == "start":
        return start(os.path.abspath(expand(words[1])))
    if len(words) == 2 and words[0] == "status":
        return {"ok": True, "run": describe(os.path.abspath(expand(words[1])))}
    if len(words) == 2 and words[0] == "list":
        return {"ok": True, "runs": list_active(os.path.abspath(expand(words[1])))}
    if words[:1] == ["stop"] and len(words) == 2:
        return stop(os.path.abspath(expand(words[1])), None)
    if words[:1] == ["stop"] and len(words) == 4 and words[2] == "--grace":
        return stop(os.path.abspath(expand(words[1])), float(words[3]))
    raise ValueError("usage: start|status|stop RUN_DIR [--grace S], or list HOME")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
