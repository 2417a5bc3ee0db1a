"""What the ``ssh`` client says when it cannot connect, as errors of the interface."""

from __future__ import annotations

from pathlib import Path

from runctl_core.api.errors import (
    BlockedError,
    ConfigError,
    CredentialsError,
    RunctlError,
    UnreachableError,
)
from runctl_core.machines.remote import last_line

_CHANGED_KEY = (b"REMOTE HOST IDENTIFICATION HAS CHANGED", b"Host key verification failed")
_REFUSED_LOGIN = (b"Permission denied (", b"Too many authentication failures")
_BAD_CONFIG = (b"Bad configuration option", b"Bad owner or permissions", b"terminating, ")
_OPEN_KEY = b"UNPROTECTED PRIVATE KEY FILE"


def classify(name: str, stderr: bytes, known_hosts_file: Path) -> RunctlError:
    """The error that the client's last words mean; all of them leave the machine untouched."""
    said = last_line(stderr)
    if any(mark in stderr for mark in _CHANGED_KEY):
        return _changed_key(name, known_hosts_file)
    if _OPEN_KEY in stderr:
        return CredentialsError(
            f"{name}: others may read the private key, so ssh does not use it",
            hint="chmod 600 the key file",
        )
    if any(mark in stderr for mark in _REFUSED_LOGIN):
        return CredentialsError(
            f"{name}: the machine refused the login: {said}",
            hint="check the user name and the private key",
        )
    if any(mark in stderr for mark in _BAD_CONFIG):
        return ConfigError(f"{name}: ssh rejects its configuration: {said}")
    return UnreachableError(
        f"{name}: cannot connect: {said or 'ssh gave no reason'}",
        hint="check that it runs and that its port is open",
    )


def _changed_key(name: str, known_hosts_file: Path) -> BlockedError:
    from runctl_core.api.policy import Finding, Level, Override

    reason = f"{name}: its host key is not the one remembered in {known_hosts_file}"
    hint = f"if the machine was rebuilt, remove that file: rm {known_hosts_file}"
    finding = Finding(
        code="HOST_KEY_CHANGED",
        level=Level.BLOCK,
        override=Override.NONE,
        target=name,
        reason=reason,
        hint=hint,
    )
    return BlockedError(reason, hint=hint, findings=(finding,))
