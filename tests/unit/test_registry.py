"""From a found plugin to a checked one."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runctl_core import registry
from runctl_core.api import (
    API_VERSION,
    Listing,
    PluginError,
    Provider,
    ProviderInfo,
    Run,
    TransferReport,
)
from runctl_core.discovery import PROVIDERS, PluginRef
from runctl_core.testing.distribution import Distribution

MAJOR, MINOR = API_VERSION
numbers = itertools.count()

Write = Callable[[str], PluginRef]

THIN = """
from runctl_core.api import Capabilities, ProviderInfo, hookimpl

@hookimpl
def runctl_provider():
    return ProviderInfo(name="acme", summary="ACME", {more})
"""
FULL = "factory=__name__ + ':Acme', capabilities=Capabilities({flags})"
LEAST = "train=True, terminate=True, list_resources=True, transfer=True"
BODY = """
from runctl_core.api import Listing, Provider

class Acme(Provider):
    def train(self, request): ...
    def terminate(self, ref): ...
    def list_resources(self, query): return Listing()
    def transfer(self, request, progress): ...
"""


class Least(Provider):
    """A provider with nothing but what every provider must have."""

    def train(self, request: object) -> Run:
        raise AssertionError

    def terminate(self, ref: object) -> None:
        raise AssertionError

    def list_resources(self, query: object) -> Listing:
        return Listing()

    def transfer(self, request: object, progress: object) -> TransferReport:
        return TransferReport()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Install a provider named ``acme`` with this source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = []

    def install(source: str) -> PluginRef:
        modules.append(f"acme_registry_{next(numbers)}")
        points = {PROVIDERS: {"acme": modules[-1]}}
        name = f"runctl-acme{len(modules)}"
        package = Distribution(name=name, entry_points=points, modules={modules[-1]: source})
        package.install(tmp_path)
        return PluginRef(PROVIDERS, "acme", modules[-1], name, "1.0", "")

    yield install
    for module in modules:
        sys.modules.pop(module, None)


def describe(ref: PluginRef) -> ProviderInfo:
    """What the core does before it shows a provider's verbs."""
    return registry.describe_provider(registry.load(ref))


def test_good_provider_is_described(write: Write) -> None:
    """Loading a provider imports its description and not its class."""
    info = describe(
        write(THIN.format(more=f"factory='missing:X', capabilities=Capabilities({LEAST})"))
    )
    assert info.name == "acme"
    assert info.capabilities.operations == ("train", "terminate", "list_resources", "transfer")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_sdk", "No module named 'no_such_sdk'"),
        ("def", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise BaseException", "BaseException"),
        ("class Rude(Exception):\n    def __str__(self): raise self\nraise Rude", "Rude"),
        ("", "must answer runctl_provider with ProviderInfo, not nothing"),
        (THIN.format(more="capabilities=None"), "ProviderInfo.capabilities must be Capabilities"),
        (THIN.format(more="commands={'x': 'y'}"), "must be a mapping from str to CommandRef"),
        (THIN.format(more="factory=7"), "ProviderInfo.factory must be str or NoneType, not int"),
        (THIN.format(more="api_version='1.0'"), "must be a pair of whole numbers, not str"),
        (
            THIN.replace("'acme'", "'other'").replace('"acme"', '"other"').format(more=""),
            "calls itself 'other'",
        ),
        (THIN.format(more="").replace("provider()", "provider(cloud)"), "PluginValidationError"),
        (THIN.format(more="") + "\n@hookimpl\ndef runctl_invented(): ...", "unknown hook"),
        (THIN.format(more=f"capabilities=Capabilities({LEAST})"), "names no factory"),
    ],
)
def test_broken_description_is_named(write: Write, source: str, reason: str) -> None:
    """Whatever is wrong before the class is imported, one line names entry point, package and reason."""
    ref = write(source)
    with pytest.raises(PluginError) as caught:
        describe(ref)
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert f"plugin 'acme' ({ref.target}, from runctl-acme1 1.0)" in caught.value.message
    assert "RUNCTL_DISABLE_PLUGINS=acme" in caught.value.hint


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import no_such_sdk", "No module named 'no_such_sdk'"),
        ("Acme = 7", "which is no Provider"),
        ("class Acme: ...", "which is no Provider"),
        ("", "has no attribute 'Acme'"),
        (BODY.replace("train", "trains"), "abstract"),
        (BODY.replace("self, ref", "self, ref, hard"), "hard"),
        (
            BODY + "    def __init__(self, **given): raise OSError('no socket')",
            "OSError: no socket",
        ),
        (BODY + "    def __init__(self, **given): raise SystemExit(0)", "SystemExit"),
    ],
)
def test_broken_class_is_named(
    write: Write, monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    """Whatever is wrong with the class shows when the provider is made, not before."""
    module = f"acme_class_{next(numbers)}"
    ref = write(THIN.format(more=f"factory='{module}:Acme', capabilities=Capabilities({LEAST})"))
    site = Path(sys.path[0])
    (site / f"{module}.py").write_text(body)
    plugin = registry.load(ref)
    info = registry.describe_provider(plugin)
    with pytest.raises(PluginError) as caught:
        registry.build_provider(plugin, info, settings=None, context=None)
    sys.modules.pop(module, None)
    assert reason in caught.value.message
    assert "runctl-acme1 1.0" in caught.value.message


def test_declared_operation_must_be_there(write: Write) -> None:
    """A provider that declares what its class does not override is refused: no answer would read as success."""
    ref = write(THIN.format(more=FULL.format(flags=f"{LEAST}, stop=True")) + BODY)
    plugin = registry.load(ref)
    with pytest.raises(PluginError, match=r"declares stop, which .*:Acme lacks"):
        registry.import_factory(plugin, registry.describe_provider(plugin))


def test_keyboard_interrupt_is_no_defect(write: Write) -> None:
    """Ctrl-C while a plugin is imported ends the command, it does not mark the plugin as broken."""
    with pytest.raises(KeyboardInterrupt):
        registry.load(write("raise KeyboardInterrupt"))


@pytest.mark.parametrize(
    ("wanted", "is_accepted"),
    [
        ((MAJOR, MINOR), True),
        ((MAJOR, 0), True),
        ((MAJOR, MINOR + 1), False),
        ((MAJOR + 1, 0), False),
        ((MAJOR - 1, MINOR), False),
    ],
)
def test_interface_version(wanted: tuple[int, int], is_accepted: bool) -> None:
    """The major version must be ours and the minor one not newer; the refusal names both versions."""
    ref = PluginRef(PROVIDERS, "acme", "acme", "runctl-acme", "1.0")
    if is_accepted:
        registry.check_api_version(ref, wanted)
        return
    with pytest.raises(PluginError) as caught:
        registry.check_api_version(ref, wanted)
    assert f"wants plugin interface {wanted[0]}.{wanted[1]}" in caught.value.message
    assert f"this runctl has {MAJOR}.{MINOR}" in caught.value.message


def test_twins_are_named_both(write: Write) -> None:
    """Two packages that claim one name are an error that names both, never a guess."""
    write(THIN.format(more=""))
    write(THIN.format(more=""))
    with pytest.raises(PluginError) as caught:
        registry.pick(PROVIDERS, "acme")
    assert "runctl-acme1 1.0 and runctl-acme2 1.0" in caught.value.message


def test_disabling_one_twin_helps(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out that the error names works."""
    write(THIN.format(more=""))
    write(THIN.format(more=""))
    monkeypatch.setenv("RUNCTL_DISABLE_PLUGINS", "runctl-acme1")
    assert registry.pick(PROVIDERS, "acme").distribution == "runctl-acme2"


def test_missing_plugin() -> None:
    """A name that nobody brings is an error that says what may bring it."""
    with pytest.raises(PluginError, match="runctl-acme"):
        registry.pick(PROVIDERS, "acme")


def test_only_operations_become_hooks(write: Write) -> None:
    """Public helpers of a provider class are not taken for operations, undeclared ones are not called."""
    source = (
        THIN.format(more=FULL.format(flags=LEAST)) + BODY + "    def helper(self, other): ...\n"
    )
    plugin = registry.load(write(source))
    info = registry.describe_provider(plugin)
    manager = registry.build_provider(plugin, info, settings=None, context=None)
    (provider,) = manager.get_plugins()
    hooks = {caller.name for caller in manager.get_hookcallers(provider) or ()}
    assert hooks == {"train", "terminate", "list_resources", "transfer"}
    assert not registry.overrides(type(provider), "stop")


def test_providers_do_not_answer_for_each_other(write: Write) -> None:
    """Each provider has a manager of its own, so that an operation reaches exactly one."""
    managers = []
    for _ in range(2):
        plugin = registry.load(write(THIN.format(more=FULL.format(flags=LEAST)) + BODY))
        info = registry.describe_provider(plugin)
        managers.append(registry.build_provider(plugin, info, settings=None, context=None))
    assert [len(manager.get_plugins()) for manager in managers] == [1, 1]
    assert managers[0].get_plugins() != managers[1].get_plugins()
