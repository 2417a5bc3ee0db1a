"""``runctl PROVIDER status``."""

from __future__ import annotations

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.api.model import Ref, Resource
from runctl_core.api.provider import utc_now
from runctl_core.cli import words
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, fields
from runctl_core.cli.session import current


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("status", help="Show one in detail.")
    @click.argument("id")
    def status(id: str) -> None:  # noqa: A002 - what the user sees
        resource = current().provider(info.name).status(Ref(provider=info.name, id=id))
        emit("resource", resource, lambda: _print(resource))

    return status


def _print(resource: Resource) -> None:
    now = utc_now()
    fields(
        [
            ("id", resource.ref.id),
            ("name", resource.name),
            ("state", words.state(resource)),
            ("shape", resource.shape.name if resource.shape else ""),
            ("price", f"{words.price(resource.price)} per hour" if resource.price else ""),
            ("age", words.age(resource.created_at, now)),
            ("address", resource.address or ""),
            ("run", resource.run_id or ""),
            ("keep", words.locks(resource)),
            *(
                (name.replace("_", " "), value)
                for name, value in resource.native.items()
                if name != "run_state"
            ),
        ]
    )
