"""What the lyceum plugin says of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runctl_core.cli.plugged import VERBS
from runctl_core.testing import ProviderContract
from runctl_lyceum import runctl_provider

RUNCTL = Path(sys.executable).with_name("runctl")


class TestLyceum(ProviderContract):
    """What the provider declares, which is its description."""

    name = "lyceum"


def test_nothing_is_declared_that_is_not_there() -> None:
    """No operation, no class, no command: a capability comes together with its code."""
    info = runctl_provider()
    assert info.name == "lyceum"
    assert not info.capabilities.operations
    assert info.factory is None
    assert not info.commands


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_refused(verb: str) -> None:
    """A verb that is not there is bad input, answered in one line that says so."""
    result = subprocess.run([RUNCTL, "lyceum", verb], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"runctl: error: lyceum cannot {verb}; this version of its plugin has no operations yet\n"
    )
