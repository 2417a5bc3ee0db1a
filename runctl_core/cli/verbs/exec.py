"""``runctl PROVIDER exec``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.api.requests import ExecRequest
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, state
from runctl_core.cli.session import current
from runctl_core.cli.types import Duration


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("exec", help="Run one command there; its exit code becomes ours.")
    @click.argument("id")
    @click.option("--timeout", "timeout_s", type=Duration(), help="Give up waiting after this.")
    @click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD...")
    def execute(id: str, timeout_s: float | None, argv: tuple[str, ...]) -> int:  # noqa: A002
        session = current()
        is_json = state().is_json
        request = ExecRequest(
            argv=argv,
            stdin=b"" if sys.stdin.isatty() else sys.stdin.buffer.read(),
            timeout_s=timeout_s,
            on_stdout=None if is_json else _writer(sys.stdout),
            on_stderr=None if is_json else _writer(sys.stderr),
        )
        done = session.provider(info.name).execute(session.resolve(info.name, id), request)
        texts = {
            "stdout": done.stdout.decode("utf-8", "replace"),
            "stderr": done.stderr.decode("utf-8", "replace"),
        }
        emit("exec", {"argv": argv, "exit_code": done.exit_code, **texts})
        return done.exit_code if done.exit_code >= 0 else 128 - done.exit_code

    return execute


def _writer(stream: TextIO) -> Callable[[bytes], None]:
    buffer = stream.buffer

    def write(chunk: bytes) -> None:
        buffer.write(chunk)
        buffer.flush()

    return write
