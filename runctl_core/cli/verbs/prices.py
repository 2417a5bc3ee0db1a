"""``runctl PROVIDER prices``."""

from __future__ import annotations

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, table
from runctl_core.cli.session import current


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("prices", help="Show what an hour of a shape costs, who says so and when.")
    @click.argument("shape")
    @click.option("--region", metavar="R", help="Where; the provider's default otherwise.")
    @click.option("--spot", is_flag=True, help="The interruptible price.")
    def prices(shape: str, region: str | None, spot: bool) -> None:
        found = current().provider(info.name).price(shape, region, spot=spot)
        row = (
            shape,
            str(found.kind),
            f"${found.usd_per_hour}",
            found.source,
            f"{found.observed_at:%Y-%m-%d %H:%M} UTC",
        )
        emit(
            "price",
            {"shape": shape, "price": found},
            lambda: table(("SHAPE", "KIND", "$/H", "SOURCE", "SEEN"), [row]),
        )

    return prices
