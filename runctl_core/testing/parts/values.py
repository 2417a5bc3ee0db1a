"""Values are what they claim to be: exact money, aware times, and no loss on the way through JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from runctl_core.api.errors import NotFoundError
from runctl_core.api.model import Price, Resource
from runctl_core.api.requests import CreateRequest
from runctl_core.facade import ProviderHandle
from runctl_core.serialization import from_json, to_json
from runctl_core.testing.parts.base import Base
from runctl_core.testing.parts.gate import needs

_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+")


class Values(Base):
    """What the provider answers with."""

    @needs("status")
    def test_resource_survives_json(self, provider: ProviderHandle, rented: Resource) -> None:
        """A resource written as JSON and read back is the same."""
        for resource in (rented, provider.status(rented.ref)):
            assert from_json(to_json(resource), Resource) == resource

    @needs("status")
    def test_resource_is_well_formed(self, provider: ProviderHandle, rented: Resource) -> None:
        """Times are UTC, money is decimal, ids and names can be shown in one line."""
        resource = provider.status(rented.ref)
        for moment in (resource.created_at, resource.expires_at):
            assert moment is None or is_utc(moment)
        if resource.price:
            check_price(resource.price)
        assert _PRINTABLE.fullmatch(resource.ref.id)
        assert ":" not in resource.ref.id
        assert _PRINTABLE.fullmatch(resource.name)

    @needs("price")
    def test_price_is_well_formed(
        self, provider: ProviderHandle, cheap_request: CreateRequest
    ) -> None:
        """A price is exact, says who gave it and when; a shape that is not offered has none."""
        if cheap_request.shape_name:
            check_price(provider.price(cheap_request.shape_name, cheap_request.region, spot=False))
        with pytest.raises(NotFoundError):
            provider.price("no-such-shape", cheap_request.region, spot=False)


def is_utc(moment: datetime) -> bool:
    """Whether a time knows that it is UTC."""
    return moment.utcoffset() == UTC.utcoffset(None)


def check_price(price: Price) -> None:
    """Fail unless a price is exact, dated and sourced."""
    assert isinstance(price.usd_per_hour, Decimal)
    assert price.usd_per_hour.is_finite()
    assert price.usd_per_hour >= 0
    assert price.source
    assert is_utc(price.observed_at)
