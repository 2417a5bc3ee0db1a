"""What every part of the provider contract works with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pluggy
import pytest

from runctl_core import registry
from runctl_core.api.errors import PluginError
from runctl_core.api.info import OPERATIONS, ProviderInfo
from runctl_core.api.markers import PROJECT
from runctl_core.api.model import Ref, Resource
from runctl_core.api.provider import ProviderContext
from runctl_core.api.requests import CreateRequest, IfBusy, TrainRequest
from runctl_core.cli.plugin_sections import import_settings
from runctl_core.discovery import PROVIDERS
from runctl_core.facade import ProviderHandle
from runctl_core.operations.running import Runs
from runctl_core.runs.store import RunStore
from runctl_core.testing.parts.gate import remove_unmet
from runctl_core.testing.world import Fault, World

DEADLINE_S = 60.0
ENDLESS = """
import signal, sys

def save(*_):
    print("saved", flush=True)
    sys.exit(0)

signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
while True:
    signal.pause()
"""
"""A training that goes on until it is asked to end, and then saves."""

Rent = Callable[[], Resource]


class Base:
    """Fixtures that the author of a provider overrides where the defaults do not do.

    Attributes:
        name: of the provider's entry point.
        faults: what ``world`` can make the cloud refuse with.
        secret: text that stands for a credential in ``settings``, and must never be shown.
    """

    name: ClassVar[str] = ""
    faults: ClassVar[frozenset[Fault]] = frozenset()
    secret: ClassVar[str] = ""
    left_out: ClassVar[dict[str, list[str]]] = {}
    test_left_out: ClassVar[Callable[..., None] | None]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.name:
            cls.left_out = remove_unmet(cls, _declared(cls))
            if not cls.left_out:
                cls.test_left_out = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each fault, of each undeclared operation and of each thing left out."""
        choices: dict[str, list[Any]] = {
            "fault": sorted(self.faults, key=lambda fault: fault.name),
            "undeclared": [name for name in OPERATIONS if name not in _operations(type(self))],
            "lacking": sorted(self.left_out),
        }
        for argument, values in choices.items():
            if argument in metafunc.fixturenames:
                metafunc.parametrize(
                    argument, values, ids=lambda value: getattr(value, "name", value)
                )

    @pytest.fixture(autouse=True)
    def own_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A home folder of the test's own."""
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        monkeypatch.setenv("HOME", str(home))
        return home

    @pytest.fixture
    def settings(self) -> object:
        """The provider's settings; the defaults of its own class unless overridden."""
        plugin = load_plugin(self.name)
        info = registry.describe_provider(plugin)
        return import_settings(plugin, info)() if info.settings else None

    @pytest.fixture
    def world(self) -> World | None:
        """The cloud in the tester's hand; override it to test pages, faults and lost answers."""
        return None

    @pytest.fixture
    def cheap_request(self) -> CreateRequest:
        """The least that can be rented; name and key are replaced for each machine."""
        return CreateRequest(name="contract", idempotency_key="contract")

    @pytest.fixture
    def provider(
        self, request: pytest.FixtureRequest, settings: object, own_home: Path
    ) -> Iterator[ProviderHandle]:
        """The provider as the core uses it, in its world."""
        request.getfixturevalue("world")
        handle = build_handle(self.name, settings, own_home / ".runctl")
        yield handle
        handle.close()

    @pytest.fixture
    def rent(
        self, provider: ProviderHandle, cheap_request: CreateRequest, tmp_path: Path
    ) -> Iterator[Rent]:
        """Make one more resource, by renting or, where nothing is rented, by training."""
        rented: list[Resource] = []

        def make() -> Resource:
            number = len(rented)
            if provider.info.capabilities.create:
                made = provider.create(numbered(cheap_request, number))
            else:
                request = compose_training(provider, tmp_path / f"project-{number}", ENDLESS)
                request = attrs.evolve(request, if_busy=IfBusy.CONCURRENT)
                made = provider.status(provider.train(request).resource)
            rented.append(made)
            return made

        yield make
        for resource in rented:
            provider.terminate(resource.ref)

    @pytest.fixture
    def rented(self, rent: Rent) -> Resource:
        """One resource."""
        return rent()

    @pytest.fixture
    def target(self, provider: ProviderHandle, request: pytest.FixtureRequest) -> Ref | None:
        """What to train on; ``None`` where a training needs no machine."""
        if not provider.info.capabilities.train_needs_target:
            return None
        rented: Resource = request.getfixturevalue("rented")
        return rented.ref


def load_plugin(name: str) -> registry.Plugin:
    """The installed provider plugin of that name.

    Raises:
        PluginError: it is missing or broken.
    """
    return registry.load(registry.pick(PROVIDERS, name))


def build_handle(name: str, settings: object, home: Path) -> ProviderHandle:
    """The provider behind its facade; one without operations has nothing behind it."""
    plugin = load_plugin(name)
    info = registry.describe_provider(plugin)
    context = ProviderContext(home=home, state_dir=home / "providers" / name)
    if info.factory is None:
        manager = pluggy.PluginManager(PROJECT)
    else:
        manager = registry.build_provider(plugin, info, settings=settings, context=context)
    return ProviderHandle(plugin=plugin, info=info, manager=manager)


def numbered(request: CreateRequest, number: int) -> CreateRequest:
    """The same request for another machine."""
    return attrs.evolve(
        request,
        name=f"{request.name}-{number}",
        idempotency_key=f"{request.idempotency_key}-{number}",
    )


def compose_training(
    provider: ProviderHandle,
    project: Path,
    script: str,
    *args: str,
    target: Ref | None = None,
) -> TrainRequest:
    """Write a project with one script and ask for its training."""
    project.mkdir(exist_ok=True)
    file = project / "train.py"
    file.write_text(script, encoding="utf-8")
    return TrainRequest(
        run_id=store_of(provider).new_id(datetime.now(UTC)),
        script=file,
        project_dir=project,
        args=args,
        target=target,
    )


def store_of(provider: ProviderHandle) -> RunStore:
    """The runs that the provider knows of."""
    (made,) = provider.manager.get_plugins()
    return RunStore(made.context.home)


def runs_of(provider: ProviderHandle) -> Runs:
    """The way to a provider's runs."""
    return Runs(store=store_of(provider), provider=lambda _name: provider, sleep=time.sleep)


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Look again and again until something is so.

    Raises:
        AssertionError: it never was.
    """
    deadline_s = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline_s, f"after {DEADLINE_S:g} s still not so: {what}"
        time.sleep(0.02)


def _operations(contract: type[Base]) -> tuple[str, ...]:
    try:
        info: ProviderInfo = registry.describe_provider(load_plugin(contract.name))
    except PluginError:
        return OPERATIONS  # every test stays, and fails with the reason
    return info.capabilities.operations


def _declared(contract: type[Base]) -> set[str]:
    operations = _operations(contract)
    there = {
        "world": contract.world is not Base.world,
        "faults": bool(contract.faults),
        "secret": bool(contract.secret),
        "operations": bool(operations),
        "undeclared": set(operations) != set(OPERATIONS),
    }
    return {*operations, *(name for name, is_there in there.items() if is_there)}
