"""Every error that runctl raises on purpose.

::

    RunctlError                 exit 1   something failed
    ├── InputError              exit 2   what was typed or written is wrong
    │   ├── ConfigError                  ... in a configuration file or variable
    │   ├── NotSupportedError            ... the provider has no such operation
    │   └── PluginError                  ... an installed plugin cannot be used
    ├── CredentialsError        exit 3   missing, wrong or expired credentials
    ├── BlockedError            exit 4   a policy refuses
    │   └── BusyError                    ... another run holds the machine
    ├── PartialError            exit 5   something was done, something is left open
    ├── NotFoundError           exit 6   no such run, resource or file on the machine
    ├── UnavailableError        exit 7   the provider or machine did not do it; later it may
    │   ├── ThrottledError               ... it asked for fewer requests
    │   ├── CapacityError                ... it has no such machine free now
    │   └── UnreachableError             ... it does not answer
    └── TrainingFailedError     exit 8   the training itself failed

A message names the object and the reason; ``hint`` says what to type next.  Neither ever holds a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runctl_core.api.policy import Finding


class RunctlError(Exception):
    """Something failed.

    Args:
        message: one line that names the object and the reason.
        hint: one line that says what to do next, or an empty string.
    """

    code: ClassVar[str] = "FAILED"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InputError(RunctlError):
    """What was typed or written is wrong; nothing was done."""

    code = "BAD_INPUT"
    exit_code = 2


class ConfigError(InputError):
    """A configuration file or variable is wrong."""

    code = "BAD_CONFIG"


class NotSupportedError(InputError):
    """The provider has no such operation."""

    code = "NOT_SUPPORTED"


class PluginError(InputError):
    """An installed plugin cannot be used."""

    code = "BAD_PLUGIN"


class CredentialsError(RunctlError):
    """Credentials are missing, wrong or expired."""

    code = "CREDENTIALS"
    exit_code = 3


class BlockedError(RunctlError):
    """A policy refuses; ``findings`` says which and why."""

    code = "BLOCKED"
    exit_code = 4

    def __init__(self, message: str, *, hint: str = "", findings: Sequence[Finding] = ()) -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class BusyError(BlockedError):
    """Another run holds the machine or the project folder."""

    code = "LOCKED"


class PartialError(RunctlError):
    """Something was done and something is left open."""

    code = "PARTIAL"
    exit_code = 5


class NotFoundError(RunctlError):
    """No such run, resource or file on the machine."""

    code = "NOT_FOUND"
    exit_code = 6


class UnavailableError(RunctlError):
    """The provider or the machine did not do it; it may later."""

    code = "UNAVAILABLE"
    exit_code = 7


class ThrottledError(UnavailableError):
    """The provider asked for fewer requests.

    Args:
        retry_after_s: seconds to wait, where the provider said so.
    """

    code = "THROTTLED"

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class CapacityError(UnavailableError):
    """The provider has no such machine free now."""

    code = "NO_CAPACITY"


class UnreachableError(UnavailableError):
    """The machine or service does not answer, so what it does is unknown."""

    code = "UNREACHABLE"


class TrainingFailedError(RunctlError):
    """The training itself failed.

    Args:
        training_exit_code: the script's own code; ``None`` when a signal ended it or the record is lost.
    """

    code = "TRAINING_FAILED"
    exit_code = 8

    def __init__(
        self, message: str, *, hint: str = "", training_exit_code: int | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.training_exit_code = training_exit_code
