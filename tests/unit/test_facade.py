"""A provider as the core sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pluggy
import pytest

from runctl_core import hookspecs, registry
from runctl_core.api import (
    Capabilities,
    CreateRequest,
    Listing,
    ListQuery,
    NotSupportedError,
    Provider,
    ProviderContext,
    ProviderInfo,
    Ref,
    RunctlError,
    ThrottledError,
)
from runctl_core.api.info import OPERATIONS
from runctl_core.discovery import PROVIDERS, PluginRef
from runctl_core.facade import ProviderHandle

REF = Ref(provider="acme", id="m-1")
LEAST = {"train": True, "terminate": True, "list_resources": True, "transfer": True}


class Acme(Provider):
    """A provider whose every answer comes from ``answer``."""

    answer: object = None

    def _give(self) -> object:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def train(self, request):
        return self._give()

    def terminate(self, ref):
        return self._give()

    def list_resources(self, query):
        return self._give()

    def transfer(self, request, progress):
        return self._give()

    def find(self, idempotency_key):
        return self._give()

    def logs(self, ref, follow, tail_lines):
        yield b"begun\n"
        self._give()

    def close(self):
        self._give()


@pytest.fixture
def handle(tmp_path: Path) -> ProviderHandle:
    """The provider behind its facade."""
    ref = PluginRef(PROVIDERS, "acme", f"{__name__}:Acme", "runctl-acme", "1.0")
    capabilities = Capabilities(**LEAST, find=True, logs=True)
    info = ProviderInfo(name="acme", summary="", factory="unused", capabilities=capabilities)
    context = ProviderContext(home=tmp_path, state_dir=tmp_path)
    manager = registry._OperationManager("runctl")
    manager.add_hookspecs(Provider)
    manager.register(Acme(settings=None, context=context))
    own = pluggy.PluginManager("runctl")
    own.add_hookspecs(hookspecs)
    return ProviderHandle(plugin=registry.Plugin(ref=ref, manager=own), info=info, manager=manager)


@pytest.fixture
def acme(handle: ProviderHandle) -> Iterator[Acme]:
    """The provider itself."""
    (provider,) = handle.manager.get_plugins()
    yield provider
    provider.answer = None


def test_answers_pass(handle: ProviderHandle, acme: Acme) -> None:
    """A proper answer reaches the caller as it is."""
    acme.answer = Listing(complete=False)
    assert handle.list_resources(ListQuery()) is acme.answer
    acme.answer = None
    assert handle.terminate(REF) is None
    assert handle.find("key") is None


@pytest.mark.parametrize("junk", [None, [], {}, 7, "text", object(), Listing])
def test_junk_is_refused(handle: ProviderHandle, acme: Acme, junk: object) -> None:
    """An answer of the wrong type is a defect of the plugin, which the error names."""
    acme.answer = junk
    with pytest.raises(RunctlError, match=r"acme failed in list_resources: TypeError") as caught:
        handle.list_resources(ListQuery())
    assert "runctl-acme 1.0" in caught.value.hint


@pytest.mark.parametrize("junk", [True, 0, "done", Listing()])
def test_terminate_answers_nothing(handle: ProviderHandle, acme: Acme, junk: object) -> None:
    """Only silence means that an operation without an answer was done."""
    acme.answer = junk
    with pytest.raises(RunctlError):
        handle.terminate(REF)


def test_find_answers_resource_or_nothing(handle: ProviderHandle, acme: Acme) -> None:
    """Anything but a resource or nothing is no proof of what a lost create did."""
    acme.answer = "m-1"
    with pytest.raises(RunctlError, match="find"):
        handle.find("key")


def test_our_errors_pass(handle: ProviderHandle, acme: Acme) -> None:
    """An error of the interface comes out as itself, with what it carries."""
    acme.answer = ThrottledError("acme: slow down", retry_after_s=3.0)
    with pytest.raises(ThrottledError) as caught:
        handle.terminate(REF)
    assert caught.value is acme.answer


@pytest.mark.parametrize("error", [KeyError("x"), OSError(5, "I/O"), SystemExit(0), MemoryError()])
def test_foreign_errors_are_mapped(
    handle: ProviderHandle, acme: Acme, error: BaseException
) -> None:
    """No other error escapes; an exit in an operation would pass for success."""
    acme.answer = error
    with pytest.raises(RunctlError, match=type(error).__name__) as caught:
        handle.terminate(REF)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)


def test_interrupt_passes(handle: ProviderHandle, acme: Acme) -> None:
    """Ctrl-C is nobody's defect."""
    acme.answer = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        handle.terminate(REF)


def test_log_that_breaks_off_is_mapped(handle: ProviderHandle, acme: Acme) -> None:
    """What came before the break is delivered, the break is mapped like any other error."""
    acme.answer = ConnectionResetError("gone")
    pieces = handle.logs(REF, follow=True, tail_lines=None)
    assert next(pieces) == b"begun\n"
    with pytest.raises(RunctlError, match="acme failed in logs: ConnectionResetError: gone"):
        next(pieces)


def test_failure_to_close_is_mapped(handle: ProviderHandle, acme: Acme) -> None:
    """Letting go of connections fails as an operation does."""
    acme.answer = RuntimeError("still open")
    with pytest.raises(RunctlError, match="acme failed in close"):
        handle.close()


def test_undeclared_operation(handle: ProviderHandle) -> None:
    """What a provider does not declare is refused by name, with what it can do instead."""
    with pytest.raises(NotSupportedError, match="acme cannot create") as caught:
        handle.create(CreateRequest(name="n", idempotency_key="k"))
    assert caught.value.hint == "it can train, terminate, list, transfer, logs, find"


def test_every_operation_has_a_method() -> None:
    """The facade offers every operation of the interface."""
    assert [name for name in OPERATIONS if not callable(getattr(ProviderHandle, name, None))] == []
