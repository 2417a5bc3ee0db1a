"""What plugin authors import.

Names load their module on first use, so that importing this package costs nothing; ``from runctl_core.api import
ProviderInfo`` does not import what machines or volumes look like.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runctl_core.api.errors import BlockedError as BlockedError
    from runctl_core.api.errors import BusyError as BusyError
    from runctl_core.api.errors import CapacityError as CapacityError
    from runctl_core.api.errors import ConfigError as ConfigError
    from runctl_core.api.errors import CredentialsError as CredentialsError
    from runctl_core.api.errors import InputError as InputError
    from runctl_core.api.errors import NotFoundError as NotFoundError
    from runctl_core.api.errors import NotSupportedError as NotSupportedError
    from runctl_core.api.errors import PartialError as PartialError
    from runctl_core.api.errors import PluginError as PluginError
    from runctl_core.api.errors import RunctlError as RunctlError
    from runctl_core.api.errors import ThrottledError as ThrottledError
    from runctl_core.api.errors import TrainingFailedError as TrainingFailedError
    from runctl_core.api.errors import UnavailableError as UnavailableError
    from runctl_core.api.errors import UnreachableError as UnreachableError
    from runctl_core.api.info import Capabilities as Capabilities
    from runctl_core.api.info import CommandRef as CommandRef
    from runctl_core.api.info import ProviderInfo as ProviderInfo
    from runctl_core.api.machine import Completed as Completed
    from runctl_core.api.machine import FileSlice as FileSlice
    from runctl_core.api.machine import Machine as Machine
    from runctl_core.api.markers import hookimpl as hookimpl
    from runctl_core.api.model import Checkpoint as Checkpoint
    from runctl_core.api.model import Listing as Listing
    from runctl_core.api.model import ListQuery as ListQuery
    from runctl_core.api.model import Price as Price
    from runctl_core.api.model import PriceKind as PriceKind
    from runctl_core.api.model import Problem as Problem
    from runctl_core.api.model import Ref as Ref
    from runctl_core.api.model import Resource as Resource
    from runctl_core.api.model import ResourceKind as ResourceKind
    from runctl_core.api.model import ResourceState as ResourceState
    from runctl_core.api.model import Run as Run
    from runctl_core.api.model import RunState as RunState
    from runctl_core.api.model import Shape as Shape
    from runctl_core.api.model import Volume as Volume
    from runctl_core.api.policy import Action as Action
    from runctl_core.api.policy import ActionKind as ActionKind
    from runctl_core.api.policy import Fact as Fact
    from runctl_core.api.policy import Finding as Finding
    from runctl_core.api.policy import Level as Level
    from runctl_core.api.policy import Override as Override
    from runctl_core.api.policy import PolicyContext as PolicyContext
    from runctl_core.api.policy import PolicyInfo as PolicyInfo
    from runctl_core.api.policy import Truth as Truth
    from runctl_core.api.provider import Progress as Progress
    from runctl_core.api.provider import Provider as Provider
    from runctl_core.api.provider import ProviderContext as ProviderContext
    from runctl_core.api.requests import CreateRequest as CreateRequest
    from runctl_core.api.requests import Dependencies as Dependencies
    from runctl_core.api.requests import ExecRequest as ExecRequest
    from runctl_core.api.requests import IfBusy as IfBusy
    from runctl_core.api.requests import Location as Location
    from runctl_core.api.requests import TrainRequest as TrainRequest
    from runctl_core.api.requests import TransferReport as TransferReport
    from runctl_core.api.requests import TransferRequest as TransferRequest
    from runctl_core.api.requests import Verify as Verify
    from runctl_core.api.settings import between as between
    from runctl_core.api.settings import setting as setting
    from runctl_core.api.tree import Entry as Entry
    from runctl_core.api.tree import EntryKind as EntryKind
    from runctl_core.api.tree import Tree as Tree
    from runctl_core.api.version import API_VERSION as API_VERSION
    from runctl_core.api.volumes import CreateVolumeRequest as CreateVolumeRequest
    from runctl_core.api.volumes import VolumeStore as VolumeStore

_HOME_OF = {
    name: module
    for module, names in {
        "errors": """BlockedError BusyError CapacityError ConfigError CredentialsError InputError NotFoundError
            NotSupportedError PartialError PluginError RunctlError ThrottledError TrainingFailedError
            UnavailableError UnreachableError""",
        "info": "Capabilities CommandRef ProviderInfo",
        "machine": "Completed FileSlice Machine",
        "markers": "hookimpl",
        "model": """Checkpoint Listing ListQuery Price PriceKind Problem Ref Resource ResourceKind ResourceState Run RunState
            Shape Volume""",
        "policy": """Action ActionKind Fact Finding Level Override PolicyContext PolicyInfo Truth""",
        "provider": "Progress Provider ProviderContext",
        "requests": """CreateRequest Dependencies ExecRequest IfBusy Location TrainRequest TransferReport
            TransferRequest Verify""",
        "settings": "between setting",
        "tree": "Entry EntryKind Tree",
        "version": "API_VERSION",
        "volumes": "CreateVolumeRequest VolumeStore",
    }.items()
    for name in names.split()
}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - the table above is the list


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found
