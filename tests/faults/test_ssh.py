"""What goes wrong with OpenSSH, against a real sshd, and what is said about it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import attrs
import pytest
from hostile_strings import hostile_strings
from sshd_server import SshServer, children, wait_until

from runctl_core.api.errors import (
    BlockedError,
    ConfigError,
    CredentialsError,
    InputError,
    NotFoundError,
    UnreachableError,
)
from runctl_core.api.machine import Sink
from runctl_core.api.tree import Entry, Tree
from runctl_core.machines import openssh
from runctl_core.machines.channel import command_argv, command_line
from runctl_core.machines.far.execute import attend, start
from runctl_core.machines.openssh import OpenSshMachine, SshTarget
from runctl_core.machines.remote import Ended, RemoteMachine

ECHO_ARGV = "import json, sys; print(json.dumps(sys.argv[1:]))"
SHELLS = [
    name for name in ("sh", "dash", "bash", "fish", "zsh", "ksh", "tcsh") if shutil.which(name)
]


@attrs.define(kw_only=True)
class ShellMachine(RemoteMachine):
    """A machine behind nothing but a shell that reads the command line."""

    shell: str

    def converse(self, chunks: Iterable[bytes], on_stdout: Sink, timeout_s: float | None) -> Ended:
        stderr = bytearray()
        exit_code = attend(
            start([self.shell, "-c", command_line(self.python)]),
            chunks=chunks,
            on_stdout=on_stdout,
            on_stderr=stderr.extend,
            timeout_s=timeout_s,
        )
        return Ended(exit_code=exit_code, stderr=bytes(stderr))


@pytest.mark.parametrize("shell", SHELLS)
def test_no_shell_changes_an_argument(shell: str, tmp_path: Path) -> None:
    """Whatever the login shell is, over a hundred strings arrive byte for byte and none is obeyed."""
    machine = ShellMachine(name=shell, shell=shell, python=sys.executable)
    marker = tmp_path / "obeyed"
    sent = hostile_strings(str(marker))
    done = machine.run([sys.executable, "-X", "utf8", "-c", ECHO_ARGV, *sent])
    assert json.loads(done.stdout) == sent
    assert not marker.exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_no_shell_behind_sshd_changes_an_argument(
    shell: str, idle_sshd: SshServer, tmp_path: Path
) -> None:
    """The same through ssh, with a login that runs the command line by that shell."""
    idle_sshd.start(f'ForceCommand {shutil.which(shell)} -c "$SSH_ORIGINAL_COMMAND"')
    marker = tmp_path / "obeyed"
    sent = hostile_strings(str(marker))
    with idle_sshd.machine(python=sys.executable) as machine:
        done = machine.run([sys.executable, "-X", "utf8", "-c", ECHO_ARGV, *sent])
    assert json.loads(done.stdout) == sent
    assert not marker.exists()


def test_the_command_line_holds_no_data() -> None:
    """It depends on the interpreter's name alone, and that may not hold a character with a meaning."""
    assert command_line("python3").count("'") == 2
    for python in ["", "-x", "py thon", "py;id", "$(id)", "~/py", "py'", "py\n", "a`b`", "py*"]:
        with pytest.raises(InputError):
            command_argv(python)


def test_a_shell_that_talks_is_not_taken_for_an_answer(idle_sshd: SshServer) -> None:
    """Banners and start-up files that print, before and after, leave results as they are."""
    (idle_sshd.home / ".bashrc").write_text(
        "echo 'Welcome!'; head -c 200000 /dev/zero; printf 'no newline at the end'\n"
        "echo 'warning: something' >&2; trap 'echo goodbye' EXIT\n"
    )
    banner = idle_sshd.folder / "banner"
    banner.write_text("AUTHORISED USE ONLY\n")
    idle_sshd.start(
        f"Banner {banner}",
        f"ForceCommand {shutil.which('bash')} -c '. ~/.bashrc; eval \"$SSH_ORIGINAL_COMMAND\"'",
    )
    with idle_sshd.machine(python=sys.executable) as machine:
        done = machine.run(["sh", "-c", "echo out; echo err >&2"])
    assert (done.exit_code, done.stdout, done.stderr) == (0, b"out\n", b"err\n")


def test_a_machine_that_is_cut_off_is_unreachable(sshd: SshServer, tmp_path: Path) -> None:
    """When the connection dies in the middle, there is no result: not 255, not an empty one."""
    stop = tmp_path / "stop"
    cut = threading.Event()

    def cut_off(_data: bytes) -> None:
        if not cut.is_set():
            cut.set()
            for pid in sshd.sessions():
                os.kill(pid, signal.SIGKILL)
                for child in children(pid):
                    os.kill(child, signal.SIGKILL)

    loop = f"echo up; while [ ! -e '{stop}' ]; do sleep 0.05; done"
    machine = sshd.machine(python=sys.executable)
    try:
        with pytest.raises(UnreachableError, match="connection ended before"):
            machine.run(["sh", "-c", loop], on_stdout=cut_off, timeout_s=20)
    finally:
        stop.touch()
    assert machine.run(["echo", "again"]).stdout == b"again\n"


def test_a_cut_upload_leaves_no_half_file(sshd: SshServer, tmp_path: Path) -> None:
    """What was whole is there, what was not has no name, and the next ``put`` completes it."""

    class Cutting(OpenSshMachine):
        def converse(
            self, chunks: Iterable[bytes], on_stdout: Sink, timeout_s: float | None
        ) -> Ended:
            def some() -> Iterable[bytes]:
                for number, chunk in enumerate(chunks):
                    if number == 12:
                        raise ConnectionError("cable pulled")
                    yield chunk

            return OpenSshMachine.converse(self, some(), on_stdout, timeout_s)

    big = tmp_path / "big"
    big.write_bytes(os.urandom(8 << 20))
    tree = Tree(entries=(Entry(path="a", data=b"small"), Entry(path="b", source=big)))
    whole = sshd.machine(python=sys.executable)
    cutting = Cutting(
        name="far", target=whole.target, state_dir=whole.state_dir, python=sys.executable
    )
    there = tmp_path / "there"
    with pytest.raises(ConnectionError):
        cutting.put(tree, str(there))
    wait_until(
        lambda: not list(there.glob(".runctl-part-*")), "the far side to clean up after itself"
    )
    assert not (there / "b").exists()
    whole.put(tree, str(there))
    assert (there / "b").read_bytes() == big.read_bytes()


def test_unchanged_files_are_not_sent_again(sshd: SshServer, tmp_path: Path) -> None:
    """The second ``put`` of a tree sends its list; after a change, only what changed."""
    sent_bytes = 0

    class Counting(OpenSshMachine):
        def converse(
            self, chunks: Iterable[bytes], on_stdout: Sink, timeout_s: float | None
        ) -> Ended:
            def counted() -> Iterable[bytes]:
                nonlocal sent_bytes
                for chunk in chunks:
                    sent_bytes += len(chunk)
                    yield chunk

            return OpenSshMachine.converse(self, counted(), on_stdout, timeout_s)

    plain = sshd.machine()
    machine = Counting(
        name="far", target=plain.target, state_dir=plain.state_dir, python=sys.executable
    )
    content = [os.urandom(1 << 20) for _ in range(3)]
    entries = [Entry(path=f"f{i}", data=data) for i, data in enumerate(content)]

    def put() -> int:
        nonlocal sent_bytes
        sent_bytes = 0
        machine.put(Tree(entries=tuple(entries)), str(tmp_path / "there"))
        return sent_bytes

    assert put() > 3 << 20
    assert put() < 64 << 10
    entries[1] = Entry(path="f1", data=b"new")
    assert put() < 128 << 10
    assert (tmp_path / "there/f1").read_bytes() == b"new"


def test_a_changed_host_key_is_refused(idle_sshd: SshServer) -> None:
    """Another key under the same resource id is not talked to; the way out is in the message."""
    idle_sshd.start()
    machine = idle_sshd.machine(python=sys.executable)
    machine.run(["true"])
    assert machine.known_hosts_file.read_text().startswith("test-machine ")
    idle_sshd.stop()
    idle_sshd.make_key("host_key")
    idle_sshd.start()
    with pytest.raises(BlockedError, match=str(machine.known_hosts_file)) as caught:
        machine.run(["true"])
    assert [finding.code for finding in caught.value.findings] == ["HOST_KEY_CHANGED"]
    assert "\n" not in str(caught.value)
    other = idle_sshd.machine(
        resource_id="the-machine-that-got-this-address", python=sys.executable
    )
    assert other.run(["echo", "hi"]).stdout == b"hi\n"


def test_a_wrong_key_is_a_credentials_error(sshd: SshServer) -> None:
    """And so is a key that is not there or that others may read."""
    machine = sshd.machine()
    for key, reason in [
        (sshd.make_key("stranger"), "refused the login"),
        (sshd.folder / "missing", "no private key"),
    ]:
        wrong = sshd.machine(target=attrs.evolve(machine.target, identity_file=key))
        with pytest.raises(CredentialsError, match=reason):
            wrong.run(["true"])
    sshd.user_key.chmod(0o644)
    with pytest.raises(CredentialsError, match="others may read"):
        machine.run(["true"])


def test_nobody_there_is_unreachable(idle_sshd: SshServer) -> None:
    """A closed port, a name without an address: unreachable, with ssh's own reason in one line."""
    machine = idle_sshd.machine()
    with pytest.raises(UnreachableError, match="refused"):
        machine.run(["true"])
    nowhere = idle_sshd.machine(target=attrs.evolve(machine.target, host="no-such-host.invalid"))
    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid") as caught:
        nowhere.run(["true"])
    assert "\n" not in str(caught.value)


def test_a_server_that_says_nothing_is_given_up(idle_sshd: SshServer) -> None:
    """A port that accepts and stays silent does not hold the caller."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", idle_sshd.port))
        silent.listen()
        with pytest.raises(UnreachableError):
            idle_sshd.machine(connect_timeout_s=1).run(["true"])


def test_a_machine_without_python_is_named(sshd: SshServer) -> None:
    """The message says what is missing there."""
    with pytest.raises(NotFoundError, match="python-of-nobody"):
        sshd.machine(python="python-of-nobody").run(["true"])


def test_a_login_that_gives_no_shell_is_unreachable(idle_sshd: SshServer) -> None:
    """What the machine said instead is in the message."""
    idle_sshd.start("ForceCommand echo 'This account is currently not available.'; exit 1")
    with pytest.raises(UnreachableError, match="not available"):
        idle_sshd.machine().run(["true"])


def test_a_missing_client_is_an_input_error(
    idle_sshd: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package to install is in the hint."""
    monkeypatch.setenv("PATH", str(idle_sshd.folder))
    with pytest.raises(InputError, match="openssh-client"):
        idle_sshd.machine().run(["true"])


def test_a_broken_configuration_is_named(sshd: SshServer) -> None:
    """A bad user configuration is no network trouble."""
    config = sshd.folder / "ssh_config"
    config.write_text("NoSuchOption yes\n")
    machine = sshd.machine()
    broken = sshd.machine(target=attrs.evolve(machine.target, config_file=config))
    with pytest.raises(ConfigError, match="configuration"):
        broken.run(["true"])


def test_calls_share_one_connection_until_close(sshd: SshServer) -> None:
    """Eight calls at once, then more: one login after the first; after ``close`` none is left."""
    machine = sshd.machine(python=sys.executable)
    machine.run(["true"])
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(machine.run(["echo", str(n)]).stdout))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [b"%d\n" % n for n in range(8)]
    assert len(sshd.sessions()) == 1
    machine.close()
    wait_until(lambda: not sshd.sessions(), "the shared connection to end")
    machine.close()


def test_close_does_not_cut_what_another_still_does(sshd: SshServer, tmp_path: Path) -> None:
    """Two commands of one user share a connection; one that ends early leaves the other alone."""
    go_on = tmp_path / "go-on"
    first, second = sshd.machine(python=sys.executable), sshd.machine(python=sys.executable)
    loop = f"echo up; while [ ! -e '{go_on}' ]; do sleep 0.02; done; echo done"

    def close_other(data: bytes) -> None:
        pieces.append(data)
        if data.startswith(b"up"):
            second.run(["true"])
            second.close()
            go_on.touch()

    pieces: list[bytes] = []
    assert first.run(["sh", "-c", loop], on_stdout=close_other, timeout_s=20).exit_code == 0
    assert b"".join(pieces) == b"up\ndone\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "-oProxyCommand=id"},
        {"host": ""},
        {"host": "a b"},
        {"host": "a;id"},
        {"host": "$(id)"},
        {"host": "a\nb"},
        {"user": "-l"},
        {"user": ""},
        {"user": "a b"},
        {"user": "`id`"},
        {"port": 0},
        {"port": 65536},
    ],
)
def test_odd_hosts_and_users_are_refused(changes: dict[str, object]) -> None:
    """Nothing that ssh could take for an option gets to its command line."""
    with pytest.raises(InputError):
        SshTarget(**{"host": "example.org", "resource_id": "x", **changes})


@pytest.mark.parametrize(
    "resource_id", ["../../x", "a b", "*", "-x", "", "x" * 200, "a\nb", "!a,b"]
)
def test_odd_resource_ids_stay_in_their_folder(tmp_path: Path, resource_id: str) -> None:
    """An id with odd characters becomes a digest, so it is neither a path nor a pattern."""
    target = SshTarget(host="h", resource_id=resource_id)
    machine = OpenSshMachine(name="x", target=target, state_dir=tmp_path)
    assert machine.known_hosts_file.parent == tmp_path / "known_hosts"
    assert target.host_key_alias.startswith("id-")


def test_paths_with_spaces_and_percent_work(sshd: SshServer) -> None:
    """The state folder's name is the user's choice."""
    machine = sshd.machine(state_dir=sshd.folder / "it is 100% mine", python=sys.executable)
    assert machine.run(["echo", "hi"]).stdout == b"hi\n"
    assert machine.known_hosts_file.is_file()


def test_the_socket_folder_is_private(short_runtime_dir: Path) -> None:
    """A folder that others can reach into is not used, and no path is too long for a socket."""
    folder = openssh.private_runtime_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(ConfigError, match="alone"):
        openssh.private_runtime_dir()
    folder.rmdir()
    folder.symlink_to("/tmp")
    with pytest.raises(ConfigError):
        openssh.private_runtime_dir()


def test_no_secret_shows_in_the_command_line(idle_sshd: SshServer) -> None:
    """Arguments, variables and input of a command are not in the argument vector that ``ps`` shows."""
    argv = " ".join(idle_sshd.machine().ssh_argv())
    assert "BatchMode=yes" in argv
    assert idle_sshd.user_key.read_text() not in argv
