"""The kit that proves a plugin: contract classes to inherit, and what they are made of.

========================  ==================================================================
``ProviderContract``      what every provider promises, as far as it declares it
``PolicyContract``        what every policy promises
``CommandContract``       what every command package promises
``StartupContract``       what a command line may import
``World``                 a provider's cloud in the tester's hand: faults, pages, counts
``Cli``                   the real ``runctl`` as a subprocess with a home of its own
``Distribution``          an installed package made of text, for plugins that tests invent
========================  ==================================================================

Needs the extra ``runctl-core[testing]``.  Within one major version tests are added in minor versions only.
"""

import pytest

_PARTS = ("command", "policy", "provider", "startup", "parts")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from runctl_core.testing.cli import Answer, Cli  # noqa: E402 - after the rewriting is set up
from runctl_core.testing.command import CommandContract  # noqa: E402
from runctl_core.testing.distribution import Distribution  # noqa: E402
from runctl_core.testing.policy import PolicyContract  # noqa: E402
from runctl_core.testing.provider import ProviderContract  # noqa: E402
from runctl_core.testing.startup import StartupContract  # noqa: E402
from runctl_core.testing.world import Fault, World  # noqa: E402

__all__ = [
    "Answer",
    "Cli",
    "CommandContract",
    "Distribution",
    "Fault",
    "PolicyContract",
    "ProviderContract",
    "StartupContract",
    "World",
]
