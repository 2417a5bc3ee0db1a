"""``runctl PROVIDER create``."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

import click

from runctl_core.api.errors import RunctlError
from runctl_core.api.info import ProviderInfo
from runctl_core.api.model import Price, Resource
from runctl_core.api.policy import ActionKind
from runctl_core.api.requests import CreateRequest
from runctl_core.cli import words
from runctl_core.cli.frame import command
from runctl_core.cli.mutate import (
    OPTION_NAMES,
    Options,
    guard_of,
    mutation_options,
    permitted,
    show_findings,
)
from runctl_core.cli.output import emit, say
from runctl_core.cli.session import current
from runctl_core.cli.types import Duration
from runctl_core.facade import ProviderHandle


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("create", help="Rent one machine; the price is shown before it costs anything.")
    @click.argument("shape", required=False)
    @click.option("--name", help="Its name; made up otherwise.")
    @click.option("--region", metavar="R", help="Where; the provider's default otherwise.")
    @click.option("--image", help="What it boots.")
    @click.option("--disk", "disk_gib", type=click.IntRange(min=1), metavar="GIB")
    @click.option("--spot", is_flag=True, help="Interruptible, for less money.")
    @click.option("--max-price", "max_usd_per_hour", type=_Money(), metavar="USD_H")
    @click.option("--ttl", "ttl_s", type=Duration(), help="End it after this time.")
    @click.option("--idle", "idle_s", type=Duration(), help="End it when idle for this time.")
    @mutation_options
    def create(shape: str | None, **given: Any) -> None:
        options = Options.of({name: given.pop(name) for name in OPTION_NAMES})
        request = _request(shape, given)
        session = current()
        provider = session.provider(info.name)
        plan = guard_of(session).plan(
            provider,
            ActionKind.CREATE,
            (),
            request=request,
            reason=options.reason,
            is_dry_run=options.dry_run,
        )
        price = _price(provider, request)
        what = f"{request.shape_name or 'a machine'} named {request.name} for {_cost(price)}"
        if options.dry_run:
            say(f"would create {what}")
            show_findings(plan.verdict.findings)
            data = {"action": plan.action, "price": price}
            emit("plan", data, findings=plan.verdict.findings)
            return
        with permitted(session, provider, plan, options, f"Create {what}?") as allowed:
            made = provider.create(request)
        emit("resource", made, lambda: _tell(made), findings=allowed.verdict.findings)

    return create


class _Money(click.ParamType[Decimal]):
    name = "usd"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is not an amount of dollars", param, ctx)
        return amount


def _request(shape: str | None, given: dict[str, Any]) -> CreateRequest:
    key = uuid.uuid4().hex
    for name in ("ttl_s", "idle_s"):
        given[name] = None if given[name] is None else int(given[name])
    given["name"] = given["name"] or f"runctl-{key[:8]}"
    tags = {"runctl:op": key, "runctl:name": given["name"]}
    return CreateRequest(shape_name=shape, idempotency_key=key, tags=tags, **given)


def _price(provider: ProviderHandle, request: CreateRequest) -> Price | None:
    if not provider.info.capabilities.price or not request.shape_name:
        return None
    try:
        return provider.price(request.shape_name, request.region, spot=request.spot)
    except RunctlError:
        return None  # the question then says that the price is unknown


def _cost(price: Price | None) -> str:
    if price is None:
        return "an unknown price"
    return f"{words.price(price)} per hour (from {price.source})"


def _tell(made: Resource) -> None:
    click.echo(made.ref.id)
    say(f"{made.name} is {words.state(made)}")
