"""The fortune keeps the command contract."""

from runctl_core.testing import CommandContract


class TestFortune(CommandContract):
    """Everything there is."""

    name = "fortune"
