"""``runctl PROVIDER transfer``."""

from __future__ import annotations

from typing import Any

import attrs
import click

from runctl_core.api.info import ProviderInfo
from runctl_core.api.model import Ref
from runctl_core.api.requests import Location, TransferReport, TransferRequest, Verify
from runctl_core.cli import words
from runctl_core.cli.frame import command
from runctl_core.cli.mutate import Options
from runctl_core.cli.output import emit, note, say
from runctl_core.cli.progress import byte_progress
from runctl_core.cli.session import current
from runctl_core.facade import ProviderHandle


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command(
        "transfer",
        help="Copy a file or folder from SRC to DST; either may be ID:PATH, a path on a resource.",
    )
    @click.argument("source", metavar="SRC")
    @click.argument("destination", metavar="DST")
    @click.option("--delete", is_flag=True, help="Delete at DST what SRC does not have.")
    @click.option(
        "--verify", type=click.Choice([str(v) for v in Verify]), default="size", show_default=True
    )
    @click.option("-y", "--yes", is_flag=True, help="Delete without asking.")
    @click.option("--dry-run", is_flag=True, help="Only show what would be done.")
    def transfer(source: str, destination: str, *, yes: bool, **given: Any) -> None:
        request = TransferRequest(
            source=_location(info, source),
            destination=_location(info, destination),
            delete_extraneous=given["delete"],
            verify=Verify(given["verify"]),
            dry_run=given["dry_run"],
        )
        provider = current().provider(info.name)
        if request.delete_extraneous and not (request.dry_run or yes):
            _insist_on_deleting(provider, request)
        with byte_progress() as progress:
            report = provider.transfer(request, progress)
        emit("transfer", report, lambda: _print(report))

    return transfer


def _location(info: ProviderInfo, text: str) -> Location:
    name, colon, path = text.partition(":")
    if colon and name and "/" not in name:
        return Location(path=path or ".", ref=Ref(provider=info.name, id=name))
    return Location(path=text)


def _insist_on_deleting(provider: ProviderHandle, request: TransferRequest) -> None:
    doomed = provider.transfer(attrs.evolve(request, dry_run=True), _silent).deleted
    if doomed:
        few = ", ".join(doomed[:5]) + (", ..." if len(doomed) > 5 else "")
        question = f"Delete {len(doomed)} files at {request.destination.path} ({few})?"
        Options().consent().insist("delete files", question)


def _silent(_label: str, _done: int, _total: int) -> None:
    """Take progress nobody looks at."""


def _print(report: TransferReport) -> None:
    would = "would copy" if report.dry_run else "copied"
    for path in (*report.copied, *(f"delete {path}" for path in report.deleted)):
        if report.dry_run:
            click.echo(path)
    for path in report.left_out:
        note(f"runctl: left out: {path}")
    checked = ", verified" if report.verified else ""
    say(
        f"{would} {len(report.copied)} files ({words.size(report.copied_bytes)}), "
        f"{report.skipped_count} were there already, {len(report.deleted)} deleted{checked}"
    )
