"""A provider's cloud in the tester's hand."""

from __future__ import annotations

import abc
import enum

from runctl_core.api.errors import (
    CapacityError,
    CredentialsError,
    RunctlError,
    ThrottledError,
    UnavailableError,
    UnreachableError,
)
from runctl_core.api.model import Ref


class Fault(enum.Enum):
    """A way in which a cloud refuses a request, before it did anything."""

    UNAUTHORISED = "the credentials are wrong or expired"
    FORBIDDEN = "the credentials do not suffice"
    THROTTLED = "too many requests"
    NO_CAPACITY = "there is no such machine to be had now"
    UNAVAILABLE = "the service fails"
    UNREACHABLE = "the service does not answer"
    GARBAGE = "the answer makes no sense"

    @property
    def error(self) -> type[RunctlError]:
        """What a provider must raise for it."""
        return _ERRORS.get(self, RunctlError)


_ERRORS: dict[Fault, type[RunctlError]] = {
    Fault.UNAUTHORISED: CredentialsError,
    Fault.FORBIDDEN: CredentialsError,
    Fault.THROTTLED: ThrottledError,
    Fault.NO_CAPACITY: CapacityError,
    Fault.UNAVAILABLE: UnavailableError,
    Fault.UNREACHABLE: UnreachableError,
}


class World(abc.ABC):
    """What a tester does to the cloud behind a provider: a fake server, or wrapped calls of its SDK."""

    @property
    @abc.abstractmethod
    def mutation_count(self) -> int:
        """How many requests were made that change something."""

    @abc.abstractmethod
    def fail(self, fault: Fault) -> None:
        """Refuse the next request in this way, then work again."""

    @abc.abstractmethod
    def lose_answer(self) -> None:
        """Do what the next changing request asks, and let its answer get lost."""

    @abc.abstractmethod
    def shrink_pages(self) -> None:
        """Put one resource on a page from now on."""

    @abc.abstractmethod
    def break_second_page(self) -> None:
        """Let every page of a listing fail but the first."""

    @abc.abstractmethod
    def invent_state(self, ref: Ref) -> None:
        """Put a resource into a state that the provider has never heard of."""
