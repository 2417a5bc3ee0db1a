"""What every machine must do, proved on this one, on one over another's ``run`` and on one behind a real sshd."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_strings import hostile_strings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sshd_server import SshServer, wait_until

from runctl_core.api.errors import (
    InputError,
    NotFoundError,
    PartialError,
    RunctlError,
    UnreachableError,
)
from runctl_core.api.machine import Machine
from runctl_core.api.tree import Entry, EntryKind, Tree
from runctl_core.machines.local import LocalMachine
from runctl_core.machines.processes import read_processes
from runctl_core.machines.remote import OverRun

ECHO_ARGV = "import json, os, sys; print(json.dumps(sys.argv[1:]))"


@pytest.fixture(params=["local", "over_run", "openssh"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    if request.param == "local":
        yield LocalMachine()
    elif request.param == "over_run":
        yield OverRun(name="inner", inner=LocalMachine(), python=sys.executable)
    else:
        request.getfixturevalue("short_runtime_dir")
        server: SshServer = request.getfixturevalue("shared_sshd")
        with server.machine(python=sys.executable) as machine:
            yield machine


def shape_of(folder: Path) -> dict[str, object]:
    """Every path with what matters of it; the manifest is the machine's own business."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        elif path.name != ".runctl-manifest.json":
            found[name] = (path.read_bytes(), os.access(path, os.X_OK))
    return found


def file(path: str, data: bytes = b"content", **kwargs: bool) -> Entry:
    return Entry(path=path, data=data, **kwargs)


# -- run


def test_run_returns_output_and_exit_code(machine: Machine) -> None:
    """The three things a command leaves come back, apart from each other."""
    done = machine.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_run_tells_the_signal(machine: Machine) -> None:
    """A command that a signal ends has minus its number as exit code."""
    assert machine.run(["sh", "-c", "kill -9 $$"]).exit_code == -9


@pytest.mark.parametrize("code", [1, 126, 127, 255])
def test_exit_codes_that_shells_and_ssh_use_are_the_commands_own(
    machine: Machine, code: int
) -> None:
    """Whatever the command returns is its result, never taken for a broken connection."""
    assert machine.run(["sh", "-c", f"exit {code}"]).exit_code == code


def test_arguments_arrive_byte_for_byte(machine: Machine, tmp_path: Path) -> None:
    """No string is changed on the way, and none is obeyed."""
    marker = tmp_path / "obeyed"
    sent = hostile_strings(str(marker))
    assert len(set(sent)) >= 100
    done = machine.run([sys.executable, "-X", "utf8", "-c", ECHO_ARGV, *sent])
    assert json.loads(done.stdout) == sent
    assert not marker.exists()


def test_environment_folder_and_input_arrive_byte_for_byte(
    machine: Machine, tmp_path: Path
) -> None:
    """The same holds for variables, the working folder and standard input."""
    folder = tmp_path / "it's $(a) folder\n"
    folder.mkdir()
    values = {f"V{i}": v for i, v in enumerate(hostile_strings(str(tmp_path / "obeyed")))}
    script = (
        "import json, os, sys; print(json.dumps([dict(os.environ), os.getcwd(), sys.stdin.read()]))"
    )
    done = machine.run(
        [sys.executable, "-X", "utf8", "-c", script],
        env=values,
        cwd=str(folder),
        stdin="in\u00e9\n".encode(),
    )
    environ, cwd, stdin = json.loads(done.stdout)
    assert {name: environ[name] for name in values} == values
    assert (cwd, stdin) == (str(folder), "in\u00e9\n")
    assert not (tmp_path / "obeyed").exists()


def test_fifty_megabytes_pass_both_ways_unchanged(machine: Machine) -> None:
    """Streams are binary clean and bounded in memory by the sink, not by us."""
    data = os.urandom(1 << 20) * 50
    digest = hashlib.sha256()
    done = machine.run(["cat"], stdin=data, on_stdout=digest.update)
    assert (done.exit_code, done.stdout) == (0, b"")
    assert digest.digest() == hashlib.sha256(data).digest()


def test_output_comes_while_the_command_runs(machine: Machine, tmp_path: Path) -> None:
    """A sink sees a line before the command ends: here the command waits until it did."""
    seen = tmp_path / "seen"
    script = f"echo one; while [ ! -e '{seen}' ]; do sleep 0.02; done; echo two"
    pieces: list[bytes] = []

    def take(data: bytes) -> None:
        pieces.append(data)
        seen.touch()

    done = machine.run(["sh", "-c", script], on_stdout=take, timeout_s=20)
    assert done.exit_code == 0
    assert b"".join(pieces) == b"one\ntwo\n"


def test_a_command_that_does_not_read_does_not_hang(machine: Machine) -> None:
    """Input nobody wants is dropped."""
    assert machine.run(["true"], stdin=b"x" * (8 << 20), timeout_s=20).exit_code == 0


def test_what_a_command_leaves_behind_is_not_waited_for(machine: Machine, tmp_path: Path) -> None:
    """A background process that keeps the output open does not hold the call."""
    stop = tmp_path / "stop"
    gone = tmp_path / "gone"
    loop = f"(while [ ! -e '{stop}' ]; do sleep 0.05; done; touch '{gone}') & echo started"
    try:
        assert machine.run(["sh", "-c", loop], timeout_s=20).stdout == b"started\n"
    finally:
        stop.touch()
        wait_until(gone.exists, "the background process to end")


def test_a_missing_program_or_folder_is_named(machine: Machine) -> None:
    """Not found is an error of its own, with the name in it."""
    with pytest.raises(NotFoundError, match="no-such-program"):
        machine.run(["no-such-program"])
    with pytest.raises(NotFoundError, match="no such working folder"):
        machine.run(["true"], cwd="/no/such/folder")


def test_an_argument_with_nul_is_refused(machine: Machine) -> None:
    """No command can have one."""
    with pytest.raises(InputError):
        machine.run(["echo", "a\0b"])


def test_a_timeout_is_unreachable(machine: Machine, tmp_path: Path) -> None:
    """What a command does after the timeout is unknown, and the error says which machine."""
    stop = tmp_path / "stop"
    script = f"while [ ! -e '{stop}' ]; do sleep 0.05; done"
    try:
        with pytest.raises(UnreachableError, match=r"0\.5 s"):
            machine.run(["sh", "-c", script], timeout_s=0.5)
    finally:
        stop.touch()


def test_an_error_in_a_sink_comes_out(machine: Machine) -> None:
    """A sink that raises ends the call with its own error, for instance when a pager was closed."""

    def refuse(_data: bytes) -> None:
        raise BrokenPipeError("pager closed")

    with pytest.raises(BrokenPipeError, match="pager closed"):
        machine.run(["echo", "hello"], on_stdout=refuse, timeout_s=20)


# -- put and get

names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in {".", ".."} and len(os.fsencode(name)) < 200)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    folders = ["", *draw(st.lists(names, max_size=3, unique=True))]
    entries: dict[str, Entry] = {
        folder: Entry(path=folder, kind=EntryKind.DIRECTORY) for folder in folders if folder
    }
    for folder in folders:
        for name in draw(st.lists(names, max_size=3, unique=True)):
            path = f"{folder}/{name}" if folder else name
            if path not in entries:
                entries[path] = draw(_leaf(path))
    return Tree(entries=tuple(entries[path] for path in sorted(entries)))


def _leaf(path: str) -> st.SearchStrategy[Entry]:
    files = st.builds(
        Entry, path=st.just(path), data=st.binary(max_size=300), executable=st.booleans()
    )
    links = names.map(lambda name: Entry(path=path, kind=EntryKind.SYMLINK, target=name))
    return files | links


def expected_shape(tree: Tree) -> dict[str, object]:
    shape: dict[str, object] = {}
    for entry in tree.entries:
        if entry.kind == EntryKind.DIRECTORY:
            shape[entry.path] = "folder"
        elif entry.kind == EntryKind.SYMLINK:
            shape[entry.path] = f"-> {entry.target}"
        else:
            shape[entry.path] = (entry.data, entry.executable)
    return shape


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=trees(), second=trees())
def test_any_tree_comes_back_as_it_went(machine: Machine, first: Tree, second: Tree) -> None:
    """One tree after another at the same place: what is there is the newest, and ``get`` brings it back."""
    with tempfile.TemporaryDirectory() as scratch:
        there, back = Path(scratch, "there"), Path(scratch, "back")
        machine.put(first, str(there))
        machine.put(second, str(there))
        assert shape_of(there) == expected_shape(second)
        machine.get(str(there), back)
        if second.entries:
            assert shape_of(back) == expected_shape(second)


def test_put_removes_only_what_put_placed(machine: Machine, tmp_path: Path) -> None:
    """Results, and placed files that have changed there, are nobody's to delete."""
    there = tmp_path / "there"
    machine.put(Tree(entries=(file("keep"), file("old/deep/gone"), file("old/edited"))), str(there))
    (there / "result.pt").write_bytes(b"precious")
    (there / "old/edited").write_bytes(b"changed by the training")
    machine.put(Tree(entries=(file("keep"),)), str(there))
    assert set(shape_of(there)) == {"keep", "old", "old/edited", "result.pt"}


def test_put_replaces_one_kind_by_another(machine: Machine, tmp_path: Path) -> None:
    """A placed file may become a folder, a link a file."""
    there = tmp_path / "there"
    link = Entry(path="b", kind=EntryKind.SYMLINK, target="a")
    machine.put(Tree(entries=(file("a"), link)), str(there))
    machine.put(Tree(entries=(file("a/x"), file("b", b"now a file"))), str(there))
    assert shape_of(there) == {
        "a": "folder",
        "a/x": (b"content", False),
        "b": (b"now a file", False),
    }


def test_put_does_not_write_through_a_link(machine: Machine, tmp_path: Path) -> None:
    """A link in the destination that somebody else made is no way out of it."""
    outside, there = tmp_path / "outside", tmp_path / "there"
    outside.mkdir()
    there.mkdir()
    (there / "data").symlink_to(outside)
    with pytest.raises(RunctlError):
        machine.put(Tree(entries=(file("data/x"),)), str(there))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/tmp/x", "a/../../x", "", ".", "a//b", "a\0b"])
def test_put_refuses_paths_that_leave(machine: Machine, tmp_path: Path, path: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InputError):
        machine.put(Tree(entries=(file(path),)), str(tmp_path / "there"))
    assert [child.name for child in tmp_path.iterdir()] in (["home"], ["home", "there"])


def test_put_and_read_know_the_home_folder(machine: Machine, tmp_path: Path) -> None:
    """A leading ``~`` is the home of whoever runs things there."""
    home = Path(machine.run(["sh", "-c", 'printf %s "$HOME"']).stdout.decode())
    machine.put(Tree(entries=(file("x", b"at home"),)), "~/put-here")
    assert (home / "put-here/x").read_bytes() == b"at home"
    assert machine.read("~/put-here/x").data == b"at home"
    assert machine.run(["cat", "x"], cwd="~/put-here").stdout == b"at home"


def test_put_notices_a_file_that_changes_meanwhile(machine: Machine, tmp_path: Path) -> None:
    """Content that is not what the tree promised does not take the name."""
    source = tmp_path / "source"
    source.write_bytes(b"new")
    digest = hashlib.sha256(b"old").hexdigest()
    entry = Entry(path="x", source=source, size_bytes=3, sha256=digest)
    with pytest.raises(RunctlError, match="changed while it was being copied"):
        machine.put(Tree(entries=(entry,)), str(tmp_path / "there"))
    assert not (tmp_path / "there/x").exists()


def test_get_copies_one_file(machine: Machine, tmp_path: Path) -> None:
    """A file arrives under the name that was asked for, executable bit and all."""
    source = tmp_path / "it's a source"
    source.write_bytes(b"#!")
    source.chmod(0o755)
    machine.get(str(source), tmp_path / "new" / "name")
    assert (tmp_path / "new/name").read_bytes() == b"#!"
    assert os.access(tmp_path / "new/name", os.X_OK)


def test_get_says_what_it_left_out(machine: Machine, tmp_path: Path) -> None:
    """A link that leaves the folder is not copied, and not silently."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "good").write_bytes(b"x")
    (source / "bad").symlink_to("/etc/passwd")
    with pytest.raises(PartialError, match="bad"):
        machine.get(str(source), tmp_path / "back")
    assert shape_of(tmp_path / "back") == {"good": (b"x", False)}


def test_get_of_nothing_is_not_found(machine: Machine, tmp_path: Path) -> None:
    """And leaves nothing here."""
    with pytest.raises(NotFoundError):
        machine.get(str(tmp_path / "nothing"), tmp_path / "back")
    assert not (tmp_path / "back").exists()


# -- read


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [
        (0, None, (b"0123456789", 0)),
        (3, None, (b"3456789", 3)),
        (3, 2, (b"34", 3)),
        (-4, None, (b"6789", 6)),
        (-4, 1, (b"6", 6)),
        (-99, None, (b"0123456789", 0)),
        (10, None, (b"", 10)),
        (99, 5, (b"", 99)),
        (0, 0, (b"", 0)),
    ],
)
def test_read_gives_a_slice_and_the_length(
    machine: Machine, tmp_path: Path, offset: int, limit: int | None, expected: tuple[bytes, int]
) -> None:
    """Offsets count from the start, negative ones from the end; the length is always the whole file's."""
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    found = machine.read(str(path), offset, limit)
    assert (found.data, found.offset, found.size_bytes) == (*expected, 10)


def test_read_of_nothing_is_not_found(machine: Machine, tmp_path: Path) -> None:
    """A missing file is told from an unreachable machine and from a folder."""
    with pytest.raises(NotFoundError):
        machine.read(str(tmp_path / "nothing"))
    with pytest.raises(InputError):
        machine.read(str(tmp_path))


# -- processes


@contextlib.contextmanager
def training(folder: Path, name: str, *args: str) -> Iterator[int]:
    """A process that only waits, under the given script name."""
    import subprocess

    script = folder / name
    script.write_text("import sys\nprint('up', flush=True)\nsys.stdin.read()\n")
    process = subprocess.Popen(
        [sys.executable, str(script), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "RUNCTL_RUN_ID": "run-7"} if name.startswith("plain") else None,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process.pid
    finally:
        process.communicate()


def test_processes_shows_trainings_whole(machine: Machine, tmp_path: Path) -> None:
    """Those that look like training and those of runs, with the whole command; others are not shown."""
    with (
        training(tmp_path, "train_model.py", "--lr", "it's 0.1") as train,
        training(tmp_path, "plain.py") as plain,
        training(tmp_path, "other.py") as other,
    ):
        report = read_processes(machine)
    found = {process.pid: process for process in report.processes or ()}
    assert found[train].argv[2:] == ("--lr", "it's 0.1")
    assert (found[train].ppid, found[train].run_id) == (os.getpid(), None)
    assert found[train].rss_bytes > 1_000_000
    assert found[plain].run_id == "run-7"
    assert other not in found
    assert report.cpu_count == os.cpu_count()
    assert 0 < (report.memory_used_bytes or 0) < (report.memory_total_bytes or 0)


def test_a_machine_serves_many_threads(machine: Machine) -> None:
    """Calls at the same time do not mix."""
    results: dict[int, bytes] = {}

    def call(number: int) -> None:
        results[number] = machine.run(["echo", str(number)]).stdout

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"{number}\n".encode() for number in range(8)}
