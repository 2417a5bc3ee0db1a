"""The local provider keeps the provider contract."""

from runctl_core.testing import ProviderContract, StartupContract


class TestLocal(ProviderContract):
    """Everything that the provider declares."""

    name = "local"


class TestList(StartupContract):
    """A listing needs no library that takes long to import."""

    argv = ("local", "list")
    allowed_packages = frozenset(
        {"attr", "attrs", "click", "pluggy", "runctl_core", "runctl_local"}
    )
    max_modules = 200
