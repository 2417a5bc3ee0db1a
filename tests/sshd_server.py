"""A real sshd on a loopback port, with keys made for the occasion."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from runctl_core.machines.openssh import OpenSshMachine, SshTarget

DEADLINE_S = 20


def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Poll until something is so; fail the test after a generous deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE_S} s for {what}")
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """The processes that a process started and that are there."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def descendants(pid: int) -> list[int]:
    """Children, their children and so on."""
    return [p for child in children(pid) for p in (child, *descendants(child))]


@attrs.define
class SshServer:
    """A running sshd; ``home`` is HOME in its sessions."""

    folder: Path
    port: int
    home: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def user_key(self) -> Path:
        return self.folder / "user_key"

    def machine(self, *, resource_id: str = "test-machine", **changes: object) -> OpenSshMachine:
        """A machine whose known hosts live next to the server."""
        target = SshTarget(
            host="127.0.0.1",
            port=self.port,
            user=getpass.getuser(),
            identity_file=self.user_key,
            config_file=Path("/dev/null"),
            resource_id=resource_id,
        )
        settings = {"name": "far", "target": target, "state_dir": self.folder / "state"}
        return OpenSshMachine(**{**settings, **changes})

    def start(self, *lines: str) -> None:
        config = self.folder / "sshd_config"
        config.write_text("\n".join((*self._config(), *lines)) + "\n")
        command = [str(sshd_program()), "-D", "-e", "-f", str(config)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log)
        wait_until(self._is_listening, "sshd to listen")

    def stop(self) -> None:
        """End the server and every session."""
        if self.process is None:
            return
        for pid in (*descendants(self.process.pid), self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def sessions(self) -> list[int]:
        """The processes that serve one connection each."""
        return children(self.process.pid) if self.process else []

    def make_key(self, name: str) -> Path:
        path = self.folder / name
        path.unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)],
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return path

    def _config(self) -> tuple[str, ...]:
        return (
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder}/host_key",
            f"AuthorizedKeysFile {self.user_key}.pub",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "UsePAM no",
            "StrictModes no",
            "PrintMotd no",
            f"PidFile {self.folder}/pid",
            "MaxStartups 100",
            f"SetEnv HOME={self.home}",
        )

    def _is_listening(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail((self.folder / "log").read_text())
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def sshd_program() -> Path | None:
    """Where sshd is, if it can be started here."""
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None or shutil.which("ssh") is None:
        return None
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return Path(found)


@contextlib.contextmanager
def new_server(folder: Path) -> Iterator[SshServer]:
    """A server that is not started yet, with fresh keys."""
    if sshd_program() is None:
        pytest.skip("needs openssh-server and openssh-client")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = folder / "far-home"
    home.mkdir()
    server = SshServer(folder, port, home)
    server.make_key("host_key")
    server.make_key("user_key")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def short_runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Sockets of the test's own: pytest's folders are too deep for them."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="rt", dir="/tmp") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture(scope="session")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A running server for tests that leave it as it is."""
    with new_server(tmp_path_factory.mktemp("sshd")) as server:
        server.start()
        yield server


@pytest.fixture
def idle_sshd(tmp_path: Path, short_runtime_dir: Path) -> Iterator[SshServer]:
    """A server for a test to start as it likes."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    with new_server(folder) as server:
        yield server


@pytest.fixture
def sshd(idle_sshd: SshServer) -> SshServer:
    """A running server."""
    idle_sshd.start()
    return idle_sshd
