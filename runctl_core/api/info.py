"""What a provider package says of itself before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from runctl_core.api.checks import is_a, is_version, maps_text_to
from runctl_core.api.version import API_VERSION


@attrs.frozen(kw_only=True)
class Capabilities:
    """The operations a provider has: each flag is true exactly when its class overrides that operation.

    ``train_needs_target`` is false for a provider that trains right here, without a machine to name.
    """

    create: bool = False
    train: bool = False
    terminate: bool = False
    list_resources: bool = False
    volumes: bool = False
    transfer: bool = False
    stop: bool = False
    start: bool = False
    status: bool = False
    logs: bool = False
    execute: bool = False
    price: bool = False
    checkpoints: bool = False
    find: bool = False
    connect: bool = False
    train_needs_target: bool = True

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations that are there, in a fixed order."""
        return tuple(name for name in OPERATIONS if getattr(self, name))


OPERATIONS = tuple(
    field.name for field in attrs.fields(Capabilities) if field.name != "train_needs_target"
)


@attrs.frozen(kw_only=True)
class CommandRef:
    """A command of the provider's own: an import string ``module:attribute`` and its one-line help."""

    target: str = attrs.field(validator=is_a(str))
    summary: str = attrs.field(validator=is_a(str))


@attrs.frozen(kw_only=True)
class ProviderInfo:
    """What a provider package says of itself: data only.

    Attributes:
        name: the command name, equal to the entry point's name.
        factory: import string of the ``Provider`` class; ``None`` while the package has no operation at all.
        settings: import string of the attrs class of its configuration section.
        commands: extra commands under ``runctl NAME``.
    """

    name: str = attrs.field(validator=is_a(str))
    summary: str = attrs.field(validator=is_a(str))
    factory: str | None = attrs.field(default=None, validator=is_a(str, type(None)))
    settings: str | None = attrs.field(default=None, validator=is_a(str, type(None)))
    capabilities: Capabilities = attrs.field(default=Capabilities(), validator=is_a(Capabilities))
    commands: Mapping[str, CommandRef] = attrs.field(
        factory=dict, validator=maps_text_to(CommandRef)
    )
    credential_env: tuple[str, ...] = attrs.field(default=(), validator=is_a(tuple))
    docs_url: str = attrs.field(default="", validator=is_a(str))
    api_version: tuple[int, int] = attrs.field(default=API_VERSION, validator=is_version)
