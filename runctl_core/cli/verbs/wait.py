"""``runctl PROVIDER wait``."""

from __future__ import annotations

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.cli.frame import command
from runctl_core.cli.runs_view import conclude
from runctl_core.cli.session import current
from runctl_core.cli.types import Duration


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("wait", help="Wait until the newest training there ends.")
    @click.argument("id")
    @click.option("--timeout", "timeout_s", type=Duration(), help="Wait no longer than this.")
    def wait(id: str, timeout_s: float | None) -> None:  # noqa: A002 - what the user sees
        session = current()
        run = session.runs.newest_on(session.resolve(info.name, id))
        conclude(session.running.wait(run, timeout_s=timeout_s))

    return wait
