"""What goes wrong comes out as one of our errors, and never shows a secret."""

from __future__ import annotations

import contextlib
import traceback

import pytest

from runctl_core.api.errors import RunctlError
from runctl_core.api.model import ListQuery
from runctl_core.api.requests import CreateRequest
from runctl_core.facade import ProviderHandle
from runctl_core.testing.parts.base import Base, numbered
from runctl_core.testing.parts.gate import needs
from runctl_core.testing.world import Fault, World


class Errors(Base):
    """Faults of the cloud."""

    @needs("create", "faults", "world")
    def test_fault_while_creating(
        self,
        provider: ProviderHandle,
        cheap_request: CreateRequest,
        world: World,
        fault: Fault,
    ) -> None:
        """Each fault is raised as the error that stands for it, in one line."""
        world.fail(fault)
        with pytest.raises(fault.error) as caught:
            provider.create(numbered(cheap_request, 1))
        assert type(caught.value) is fault.error
        assert caught.value.message.strip()
        assert "\n" not in caught.value.message

    @needs("list_resources", "faults", "world")
    def test_fault_while_listing(
        self, provider: ProviderHandle, world: World, fault: Fault
    ) -> None:
        """A fault while listing is raised, or told by an incomplete list; it is never an empty account."""
        world.fail(fault)
        with contextlib.suppress(fault.error):
            listing = provider.list_resources(ListQuery())
            assert not listing.complete
            assert listing.problems

    @needs("secret")
    def test_secret_is_not_in_texts(self, provider: ProviderHandle, settings: object) -> None:
        """Neither the settings nor the provider show the secret when they are printed."""
        for value in (settings, *provider.manager.get_plugins()):
            assert self.secret not in repr(value)
            assert self.secret not in str(value)

    @needs("secret", "list_resources", "faults", "world")
    def test_secret_is_not_in_errors(
        self,
        provider: ProviderHandle,
        world: World,
        fault: Fault,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """Not even the traceback of a fault, its causes, the log or the terminal shows the secret."""
        caplog.set_level(0)
        world.fail(fault)
        shown = []
        try:
            shown.append(repr(provider.list_resources(ListQuery())))
        except RunctlError as error:
            shown.extend([*traceback.format_exception(error), repr(error)])
        shown.extend([caplog.text, *capfd.readouterr()])
        assert [text for text in shown if self.secret in text] == []
