"""Starting a run on a machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runctl_core.api.errors import BusyError, InputError, RunctlError, UnavailableError
from runctl_core.api.tree import Entry, Tree
from runctl_core.log import get_logger
from runctl_core.runs import supervisor
from runctl_core.runs.control import Answer, ask_supervisor, run_of
from runctl_core.runs.spec import RunSpec, dump_spec

if TYPE_CHECKING:
    from runctl_core.api.machine import Machine
    from runctl_core.api.model import Run

_HERE = Path(__file__).parent
_log = get_logger(__name__)


def launch(machine: Machine, spec: RunSpec, *, home: str) -> Run:
    """Start a run and return once its script executes, installs its packages or waits in the queue.

    Args:
        home: the machine's home for runs; see ``resolve_home``.

    Raises:
        BusyError: another run holds the machine or project.
        InputError: the script cannot be executed there.
        UnreachableError: the machine went away; whether the run started must be looked up by its id.
    """
    run_dir = f"{home}/runs/{spec.run_id}"
    _log.info("starting a run", run_id=spec.run_id, machine=machine.name, run_dir=run_dir)
    machine.put(_compose_tree(spec), run_dir)
    answer = ask_supervisor(machine, run_dir, "start", run_dir)
    if not answer["ok"]:
        raise _failure(machine, spec, answer)
    return run_of(answer, run_dir)


def resolve_home(machine: Machine) -> str:
    """The machine's home for runs without ``~``, which only the machine itself can resolve."""
    if not machine.home.startswith("~"):
        return machine.home
    code = "import os, sys; sys.stdout.buffer.write(os.fsencode(os.path.expanduser(sys.argv[1])))"
    done = machine.run([machine.python, "-I", "-S", "-c", code, machine.home])
    if done.exit_code or not done.stdout.startswith(b"/"):
        raise UnavailableError(f"{machine.name}: its home folder cannot be found")
    return done.stdout.decode("utf-8", "surrogateescape")


def _compose_tree(spec: RunSpec) -> Tree:
    files = {
        "spec.json": dump_spec(spec),
        "supervisor.py": Path(supervisor.__file__).read_bytes(),
    }
    builder = "venv_builder.py"
    if any(word.endswith(f"/{builder}") for step in spec.prepare for word in step):
        files[builder] = (_HERE / builder).read_bytes()
    return Tree(entries=tuple(_entry(path, data) for path, data in sorted(files.items())))


def _entry(path: str, data: bytes) -> Entry:
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    return Entry(path=path, data=data, size_bytes=len(data), sha256=digest)


def _failure(machine: Machine, spec: RunSpec, answer: Answer) -> RunctlError:
    message = answer.get("message", "")
    match answer.get("error"):
        case "busy":
            return describe_busy(machine.name, answer.get("holder") or {})
        case "exec":
            hint = "" if "/" in message.split(":")[0] else f"is it installed on {machine.name}?"
            return InputError(f"{spec.script}: cannot execute {message}", hint=hint)
    return RunctlError(f"run {spec.run_id} did not start: {message}")


def describe_busy(where: str, holder: Answer) -> BusyError:
    """Say who trains, since when, where its log is, and what can be done about it."""
    run_id = holder.get("run_id") or "(unknown)"
    leader = holder.get("leader") or {}
    pid = leader.get("pid") or holder.get("pid") or "unknown"
    message = (
        f"{where} is busy: run {run_id} (pid {pid}) has been training {holder.get('script')}"
        f" since {holder.get('since')}; its log is {holder.get('log')}"
    )
    stop = f"runctl runs stop {holder['run_id']}" if holder.get("run_id") else "end it"
    hint = f"wait for it with --queue, train beside it with --concurrent, or end it: {stop}"
    return BusyError(message, hint=hint)
