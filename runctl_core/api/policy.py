"""What a safety policy is asked and what it answers.

A policy is pure: everything it may know comes in the ``PolicyContext``, so the same question has the same answer.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from runctl_core.api.checks import is_a, is_version, maps_text_to
from runctl_core.api.model import Listing, Resource
from runctl_core.api.version import API_VERSION


class Level(enum.IntEnum):
    """How much a finding matters; the verdict on an action is its worst finding."""

    INFO = 0
    WARN = 1
    BLOCK = 2


class Override(enum.StrEnum):
    """What lifts a block: ``--force``, or nothing but an earlier step of its own."""

    NONE = "none"
    FORCE = "force"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing a policy has to say about an action.

    Attributes:
        code: upper-case name, such as ``TRAINING_RUNNING``; explained by the policy that gives it.
        target: text form of the resource concerned, or empty for the action as a whole.
        evidence: the facts behind it, for people and for JSON.
        reason: one line that says what is the matter.
        hint: one line that says what to do instead.
    """

    code: str = attrs.field(validator=is_a(str))
    level: Level = attrs.field(validator=is_a(Level))
    reason: str = attrs.field(validator=is_a(str))
    override: Override = attrs.field(default=Override.FORCE, validator=is_a(Override))
    target: str = attrs.field(default="", validator=is_a(str))
    evidence: Mapping[str, str] = attrs.field(factory=dict, validator=maps_text_to(str))
    hint: str = attrs.field(default="", validator=is_a(str))


class Truth(enum.StrEnum):
    """The answer to a yes-or-no question about the world.  Unknown is never no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Fact:
    """One observed thing: the answer, who gave it, when, and details to show."""

    truth: Truth
    source: str
    observed_at: datetime
    detail: str = ""


class ActionKind(enum.StrEnum):
    """What is about to be done."""

    CREATE = "create"
    TRAIN = "train"
    START = "start"
    STOP = "stop"
    TERMINATE = "terminate"
    TRANSFER = "transfer"


DESTRUCTIVE = frozenset({ActionKind.STOP, ActionKind.TERMINATE})


@attrs.frozen(kw_only=True)
class Action:
    """One mutation that somebody asked for.  ``targets`` were read from the provider a moment ago."""

    id: str
    kind: ActionKind
    provider: str
    targets: tuple[Resource, ...] = ()
    request: object | None = None
    actor: str = ""
    reason: str = ""
    requested_at: datetime

    @property
    def is_destructive(self) -> bool:
        """Whether the action can end or interrupt a running training."""
        return self.kind in DESTRUCTIVE


@attrs.frozen(kw_only=True)
class PolicyContext:
    """Everything a policy may look at.

    Attributes:
        facts: per target (its text form) and question; a question that is missing is unknown.
        listing: what the provider has, where the action needed it.
        settings: the policy's own section of the configuration.
    """

    now: datetime
    facts: Mapping[str, Mapping[str, Fact]] = attrs.field(factory=dict)
    listing: Listing | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    dry_run: bool = False

    def fact(self, target: Resource, question: str) -> Fact | None:
        """The answer to one question about one target, or ``None`` when nobody asked."""
        return self.facts.get(str(target.ref), {}).get(question)


@attrs.frozen(kw_only=True)
class PolicyInfo:
    """What a policy package says of itself.  ``codes`` maps each code it can give to an explanation."""

    name: str = attrs.field(validator=is_a(str))
    summary: str = attrs.field(validator=is_a(str))
    codes: Mapping[str, str] = attrs.field(validator=maps_text_to(str))
    api_version: tuple[int, int] = attrs.field(default=API_VERSION, validator=is_version)
