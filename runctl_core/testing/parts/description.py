"""What a provider says of itself is true, and saying it costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runctl_core import registry
from runctl_core.api.errors import NotSupportedError
from runctl_core.api.info import OPERATIONS
from runctl_core.api.model import ListQuery, Ref, Run, RunState
from runctl_core.api.provider import utc_now
from runctl_core.api.requests import (
    CreateRequest,
    ExecRequest,
    Location,
    TrainRequest,
    TransferRequest,
)
from runctl_core.cli.plugin_sections import import_settings
from runctl_core.facade import ProviderHandle
from runctl_core.testing.parts.base import Base, load_plugin
from runctl_core.testing.parts.gate import needs

_REPORT = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1]).runctl_provider()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


class Description(Base):
    """The thin module, the class behind it and the capabilities.

    Attributes:
        allowed_packages: what importing the entry point's module may bring, besides its own package.
        max_modules: how many modules it may bring.
    """

    allowed_packages: ClassVar[frozenset[str]] = frozenset(
        {"attr", "attrs", "pluggy", "runctl_core"}
    )
    max_modules: ClassVar[int] = 120

    def test_left_out(self, lacking: str) -> None:
        """Tells which tests do not apply because the plugin does not declare what they test."""
        names = ", ".join(self.left_out[lacking])
        pytest.skip(f"not declared: {lacking}, so these do not apply to {self.name}: {names}")

    def test_description_is_accepted(self) -> None:
        """The entry point loads, its name is the provider's, and it is made for this interface."""
        assert registry.describe_provider(load_plugin(self.name)).name == self.name

    def test_description_is_for_people(self) -> None:
        """The summary is one line that can stand in a list."""
        summary = registry.describe_provider(load_plugin(self.name)).summary
        assert summary.strip()
        assert len(summary.splitlines()) == 1

    def test_description_is_thin(self) -> None:
        """Importing the entry point's module loads no SDK, not even the provider's own class."""
        plugin = load_plugin(self.name)
        module = plugin.ref.target.partition(":")[0]
        loaded = set(json.loads(_run(_REPORT, module)))
        packages = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
        own = module.partition(".")[0]
        assert packages - {own} <= self.allowed_packages
        assert len(loaded) <= self.max_modules
        factory = registry.describe_provider(plugin).factory
        assert (factory or "").partition(":")[0] not in loaded

    def test_settings_import(self) -> None:
        """The settings class exists, and every key has a default and a line that explains it."""
        plugin = load_plugin(self.name)
        info = registry.describe_provider(plugin)
        if info.settings:
            settings = import_settings(plugin, info)
            assert settings()
            undocumented = [
                field.name
                for field in settings.__attrs_attrs__  # type: ignore[attr-defined]
                if not field.metadata.get("doc")
            ]
            assert undocumented == []

    @needs("operations")
    def test_capabilities_are_honest(self) -> None:
        """An operation is declared exactly when the class has one of its own."""
        plugin = load_plugin(self.name)
        info = registry.describe_provider(plugin)
        factory = registry.import_factory(plugin, info)
        own = {name for name in OPERATIONS if registry.overrides(factory, name)}
        assert set(info.capabilities.operations) == own

    @needs("undeclared")
    def test_undeclared_operation_is_refused(
        self, provider: ProviderHandle, undeclared: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the provider lacks is refused by name, without asking anybody."""
        monkeypatch.setattr("socket.socket.connect", _refuse)
        with pytest.raises(NotSupportedError, match=f"^{self.name} cannot "):
            CALLS[undeclared](provider, Ref(provider=self.name, id="x"))


def _refuse(*_: object) -> None:
    raise AssertionError("the provider asked the network")


def _run(program: str, *argv: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *argv], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run_of(ref: Ref) -> Run:
    return Run(
        id="r",
        name="r",
        resource=ref,
        script="",
        args=(),
        state=RunState.LOST,
        created_at=utc_now(),
    )


def _training(ref: Ref) -> TrainRequest:
    return TrainRequest(run_id="r", script=Path("x.py"), project_dir=Path(), target=ref)


_HERE = Location(path="x")
_COPY = TransferRequest(source=_HERE, destination=_HERE)
CALLS: dict[str, Callable[[ProviderHandle, Ref], Any]] = {
    "create": lambda p, _: p.create(CreateRequest(name="x", idempotency_key="x")),
    "train": lambda p, ref: p.train(_training(ref)),
    "terminate": lambda p, ref: p.terminate(ref),
    "list_resources": lambda p, _: p.list_resources(ListQuery()),
    "volumes": lambda p, _: p.volumes(),
    "transfer": lambda p, _: p.transfer(_COPY, lambda *_: None),
    "stop": lambda p, ref: p.stop(ref),
    "start": lambda p, ref: p.start(ref),
    "status": lambda p, ref: p.status(ref),
    "logs": lambda p, ref: next(p.logs(ref, follow=False, tail_lines=None)),
    "execute": lambda p, ref: p.execute(ref, ExecRequest(argv=("true",))),
    "price": lambda p, _: p.price("x", None, spot=False),
    "checkpoints": lambda p, ref: p.checkpoints(_run_of(ref)),
    "find": lambda p, _: p.find("x"),
    "connect": lambda p, ref: p.connect(ref),
}
"""How each operation is called, for those that must refuse."""
