"""``runctl PROVIDER list``."""

from __future__ import annotations

import click

from runctl_core.api.errors import PartialError
from runctl_core.api.info import ProviderInfo
from runctl_core.api.model import Listing, ListQuery, Resource
from runctl_core.api.provider import utc_now
from runctl_core.cli import words
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, note, say, table
from runctl_core.cli.session import current


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("list", help=f"List what {info.name} has, the newest first.")
    @click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
    @click.option("-a", "--all", "everything", is_flag=True, help="Without a limit, gone ones too.")
    def list_resources(limit: int, everything: bool) -> None:
        query = ListQuery(include_terminated=everything)
        listing = current().provider(info.name).list_resources(query)
        shown = listing.resources if everything else listing.resources[:limit]
        emit(
            "resource.list",
            {"resources": shown, "complete": listing.complete, "problems": listing.problems},
            lambda: _print(info, shown, len(listing.resources)),
        )
        _insist_on_complete(info, listing)

    return list_resources


def _print(info: ProviderInfo, shown: tuple[Resource, ...], total: int) -> None:
    if not shown:
        say(f"{info.name} has nothing running or stopped")
        return
    draw = _machines if info.capabilities.train_needs_target else _runs
    draw(shown)
    if len(shown) < total:
        say(f"... and {total - len(shown)} more; --all shows them")


def _runs(shown: tuple[Resource, ...]) -> None:
    now = utc_now()
    table(
        ("RUN", "STATE", "SCRIPT", "AGE", "DETAIL"),
        [
            (
                resource.ref.id,
                words.state(resource),
                resource.native.get("script", ""),
                words.age(resource.created_at, now),
                resource.native.get("detail", ""),
            )
            for resource in shown
        ],
    )


def _machines(shown: tuple[Resource, ...]) -> None:
    now = utc_now()
    table(
        ("ID", "NAME", "STATE", "SHAPE", "$/H", "AGE", "KEEP"),
        [
            (
                resource.ref.id,
                resource.name,
                words.state(resource),
                resource.shape.name if resource.shape else "",
                words.price(resource.price),
                words.age(resource.created_at, now),
                words.locks(resource),
            )
            for resource in shown
        ],
    )


def _insist_on_complete(info: ProviderInfo, listing: Listing) -> None:
    for problem in listing.problems:
        note(f"runctl: {problem.source}: {problem.message}")
    if not listing.complete:
        raise PartialError(
            f"the list of {info.name} is incomplete, so something missing may still exist",
            hint="try again",
        )
