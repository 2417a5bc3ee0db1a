"""A machine that the system's OpenSSH client reaches."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from runctl_core.api.errors import (
    ConfigError,
    CredentialsError,
    InputError,
    RunctlError,
    UnreachableError,
)
from runctl_core.machines.channel import AnswerReader, command_line
from runctl_core.machines.remote import Ended, RemoteMachine

if TYPE_CHECKING:
    from runctl_core.api.machine import Sink

SOCKET_PATH_LIMIT_BYTES = 104
_SSH_SUFFIX_BYTES = 17  # ssh appends a random part to the socket's name while it opens it
_KEPT_STDERR_BYTES = 8192


@attrs.frozen(kw_only=True)
class SshTarget:
    """Where and as whom to connect.

    Attributes:
        resource_id: the name under which the machine's host key is remembered, so that an address which a cloud gives
            to another machine is not mistaken for this one.
        identity_file: the private key; ``None`` for the agent's and the user's own.
        config_file: an ``ssh_config`` to use instead of the user's own.

    Raises:
        InputError: a host or user that ssh could take for an option or that holds odd characters.
    """

    host: str = attrs.field()
    user: str | None = attrs.field(default=None)
    resource_id: str
    port: int = attrs.field(default=22)
    identity_file: Path | None = None
    config_file: Path | None = None

    @host.validator
    def _check_host(self, _attribute: object, host: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_:\[][A-Za-z0-9_.:%\[\]-]*", host):
            raise InputError(f"{host!r} is not a host name or address")

    @user.validator
    def _check_user(self, _attribute: object, user: str | None) -> None:
        if user is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*", user):
            raise InputError(f"{user!r} is not a user name")

    @port.validator
    def _check_port(self, _attribute: object, port: int) -> None:
        if not 0 < port < 65536:
            raise InputError(f"{port} is not a port number")

    @property
    def host_key_alias(self) -> str:
        """The name of the machine in its file of known hosts: its id, or a digest of one with odd characters."""
        if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", self.resource_id):
            return self.resource_id
        return f"id-{_short_digest(self.resource_id)}"


@attrs.define(kw_only=True, eq=False)
class OpenSshMachine(RemoteMachine):
    """A machine reached by ``ssh``; all its connections share one, which outlives a command by ``keep_s``.

    Attributes:
        state_dir: where the host keys of each resource are kept.
        connect_timeout_s: how long to wait for the machine to accept a connection.
    """

    target: SshTarget
    state_dir: Path
    connect_timeout_s: int = 15
    keep_s: int = 60

    @property
    def known_hosts_file(self) -> Path:
        """Where this resource's host key is remembered."""
        return self.state_dir / "known_hosts" / self.target.host_key_alias

    def ssh_argv(self) -> tuple[str, ...]:
        """``ssh`` with every option, up to and without the host; also for an interactive session or a tunnel.

        Raises:
            InputError: there is no ``ssh`` on this machine.
            CredentialsError: the identity file is missing.
        """
        self._check_tools()
        self.known_hosts_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.target
        argv = ["ssh", "-p", str(target.port)]
        if target.config_file is not None:
            argv += ["-F", str(target.config_file)]
        if target.user is not None:
            argv += ["-l", target.user]
        if target.identity_file is not None:
            argv += ["-i", str(target.identity_file), "-o", "IdentitiesOnly=yes"]
        for name, value in self._options().items():
            argv += ["-o", f"{name}={value}"]
        return tuple(argv)

    def converse(self, chunks: Iterable[bytes], on_stdout: Sink, timeout_s: float | None) -> Ended:
        """Start the far side by ``ssh``; at ``timeout_s`` only this end of it is killed."""
        from runctl_core.machines.far.execute import attend, start

        stderr = bytearray()
        child = start([*self.ssh_argv(), "-T", "--", self.target.host, command_line(self.python)])
        try:
            exit_code = attend(
                child,
                chunks=chunks,
                on_stdout=on_stdout,
                on_stderr=lambda data: _keep_end(stderr, data),
                timeout_s=timeout_s,
            )
        except TimeoutError:
            raise UnreachableError(
                f"{self.name}: no end within {timeout_s} s",
                hint="the command may still run there; look before you repeat it",
            ) from None
        return Ended(exit_code=exit_code, stderr=bytes(stderr))

    def close(self) -> None:
        """Let the shared connection end with the last command that uses it, in this process or another."""
        import subprocess

        if self._control_path().exists():
            subprocess.run(
                [*self.ssh_argv(), "-O", "stop", "--", self.target.host],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )

    def failure(self, reader: AnswerReader, ended: Ended) -> RunctlError:
        """The error for an ``ssh`` that ended without an answer."""
        from runctl_core.machines.ssh_errors import classify

        if not reader.has_greeted and ended.exit_code == 255:
            return classify(self.name, ended.stderr, self.known_hosts_file)
        return RemoteMachine.failure(self, reader, ended)

    def _options(self) -> dict[str, str]:
        return {
            "BatchMode": "yes",
            "ConnectTimeout": str(self.connect_timeout_s),
            "ServerAliveInterval": "15",
            "ServerAliveCountMax": "3",
            "StrictHostKeyChecking": "accept-new",
            "HostKeyAlias": self.target.host_key_alias,
            "UserKnownHostsFile": _option_path(self.known_hosts_file),
            "GlobalKnownHostsFile": "/dev/null",
            "CheckHostIP": "no",
            "UpdateHostKeys": "no",
            "ControlMaster": "auto",
            "ControlPersist": str(self.keep_s),
            "ControlPath": _option_path(self._control_path()),
            "ClearAllForwardings": "yes",
            "ForwardAgent": "no",
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
            "EscapeChar": "none",
            "LogLevel": "ERROR",
        }

    def _control_path(self) -> Path:
        target = self.target
        identity = (target.host, target.port, target.user, target.identity_file, target.resource_id)
        return private_runtime_dir() / _short_digest(repr((identity, str(self.state_dir))))

    def _check_tools(self) -> None:
        import shutil

        if shutil.which("ssh") is None:
            raise InputError("there is no ssh on this machine", hint="install openssh-client")
        identity = self.target.identity_file
        if identity is not None and not identity.is_file():
            raise CredentialsError(f"{self.name}: there is no private key {identity}")


def private_runtime_dir() -> Path:
    """A short folder of this user's own for sockets.

    Raises:
        ConfigError: somebody else could reach into it.
    """
    import tempfile

    candidates = [
        Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"runctl-{os.getuid()}",
        Path("/tmp") / f"runctl-{os.getuid()}",  # noqa: S108 - checked below
    ]
    folder = next((path for path in candidates if _fits(path)), candidates[-1])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ConfigError(
            f"{folder} is not this user's alone", hint="remove it, or set XDG_RUNTIME_DIR"
        )
    return folder


def _fits(folder: Path) -> bool:
    longest = len(os.fsencode(folder)) + 1 + len(_short_digest("")) + _SSH_SUFFIX_BYTES
    return longest < SOCKET_PATH_LIMIT_BYTES


def _option_path(path: Path) -> str:
    """A path as the value of an ssh option, which may hold spaces and where ``%`` begins a token."""
    text = str(path)
    if any(mark in text for mark in ('"', "${", "\n", "\\")):
        raise ConfigError(f"{text!r}: ssh cannot use a path with such characters")
    return f'"{text.replace("%", "%%")}"'


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]


def _keep_end(buffer: bytearray, data: bytes) -> None:
    buffer += data
    del buffer[:-_KEPT_STDERR_BYTES]
