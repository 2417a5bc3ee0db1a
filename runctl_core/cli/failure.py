"""Turn an error into one line on standard error and an exit code."""

from __future__ import annotations

import contextlib
import sys

import click

from runctl_core.api.errors import InputError, RunctlError
from runctl_core.cli.state import State

INTERRUPTED = 130


def report(error: BaseException, now: State) -> int:
    """Print an error and return its exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        _line("interrupted; nothing more was done")
        return INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        sys.stderr.write(error.format_message() + "\n")
        return error.exit_code
    ours = explain(error)
    _print_findings(ours)
    _line(f"error: {ours}")
    if now.is_json:
        from runctl_core.cli.output import envelope, write_json

        findings = getattr(ours, "findings", ())
        with contextlib.suppress(OSError):  # standard output may be what failed
            write_json(
                envelope("error", None, findings=findings, warnings=now.warnings, error=ours)
            )
    return ours.exit_code


def explain(error: BaseException) -> RunctlError:
    """The same trouble as one of our errors."""
    if isinstance(error, RunctlError):
        return error
    if isinstance(error, click.ClickException):
        return _explain_usage(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename!s}: " if error.filename else ""
        return RunctlError(f"{where}{error.strerror}", hint="RUNCTL_DEBUG=1 shows where")
    reason = (str(error).strip().splitlines() or [""])[0]
    return RunctlError(
        f"internal error: {type(error).__name__}: {reason}",
        hint="RUNCTL_DEBUG=1 shows the traceback; please report it",
    )


def _explain_usage(error: click.ClickException) -> InputError:
    message = error.format_message().strip().rstrip(".").replace("\n", " ")
    message = message[:1].lower() + message[1:]
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx else "runctl"
    hint = f"try '{path} --help'"
    if isinstance(error, click.NoSuchOption) and path.endswith(" train"):
        hint = "options of the script itself go after --"
    return InputError(message, hint=hint)


def _print_findings(error: RunctlError) -> None:
    for finding in getattr(error, "findings", ()):
        hint = f" ({finding.hint})" if finding.hint else ""
        sys.stderr.write(f"  {finding.code}: {finding.reason}{hint}\n")


def _line(message: str) -> None:
    from runctl_core.redaction import redact_text

    sys.stderr.write("runctl: " + " ".join(redact_text(message).split()) + "\n")
    sys.stderr.flush()
