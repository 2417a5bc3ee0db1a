"""Hypothesis strategies for the values of the interface."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

from hypothesis import strategies as st

from runctl_core.api.model import (
    Listing,
    Price,
    PriceKind,
    Problem,
    Ref,
    Resource,
    ResourceKind,
    ResourceState,
    Run,
    RunState,
    Shape,
    Volume,
)
from runctl_core.api.policy import (
    Action,
    ActionKind,
    Fact,
    Finding,
    Level,
    Override,
    PolicyContext,
    Truth,
)

T = TypeVar("T")

texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
amounts = st.decimals(min_value=0, max_value=10_000, places=6, allow_nan=False)
whole = st.integers(min_value=0, max_value=2**40)
sizes_gib = st.floats(min_value=0, max_value=1e6)
tags = st.dictionaries(texts, texts, max_size=3)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """The strategy's values, or ``None`` for unknown."""
    return st.none() | strategy


refs = st.builds(Ref, provider=names, id=names, region=maybe(names))
shapes = st.builds(
    Shape,
    name=names,
    gpu_model=maybe(texts),
    gpu_count=maybe(whole),
    gpu_memory_gib=maybe(sizes_gib),
    cpu_count=maybe(whole),
    memory_gib=maybe(sizes_gib),
)
prices = st.builds(
    Price,
    usd_per_hour=amounts,
    kind=st.sampled_from(PriceKind),
    observed_at=moments,
    source=texts,
)
resources = st.builds(
    Resource,
    ref=refs,
    kind=st.sampled_from(ResourceKind),
    name=names,
    state=st.sampled_from(ResourceState),
    shape=maybe(shapes),
    price=maybe(prices),
    created_at=maybe(moments),
    expires_at=maybe(moments),
    tags=maybe(tags),
    volumes=maybe(st.lists(refs, max_size=2).map(tuple)),
    protected=maybe(st.booleans()),
    persistent=maybe(st.booleans()),
    address=maybe(names),
    run_id=maybe(names),
    native=tags,
)
volumes = st.builds(
    Volume,
    ref=refs,
    name=names,
    size_gib=whole,
    state=texts,
    attached_to=maybe(st.lists(refs, max_size=2).map(tuple)),
    mount_path=maybe(texts),
    usd_per_month=maybe(amounts),
    created_at=maybe(moments),
    persistent=maybe(st.booleans()),
    protected=maybe(st.booleans()),
    tags=maybe(tags),
)
problems = st.builds(Problem, source=names, message=texts, hint=texts)
listings = st.builds(
    Listing,
    resources=st.lists(resources, max_size=3).map(tuple),
    complete=st.booleans(),
    problems=st.lists(problems, max_size=2).map(tuple),
)
runs = st.builds(
    Run,
    id=names,
    name=names,
    resource=refs,
    script=texts,
    args=st.lists(texts, max_size=3).map(tuple),
    state=st.sampled_from(RunState),
    created_at=moments,
    started_at=maybe(moments),
    ended_at=maybe(moments),
    exit_code=maybe(st.integers(0, 255)),
    signal=maybe(st.integers(1, 64)),
    detail=texts,
    resumed_from=maybe(texts),
    attempt=st.integers(1, 99),
)
findings = st.builds(
    Finding,
    code=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=12),
    level=st.sampled_from(Level),
    reason=texts,
    override=st.sampled_from(Override),
    target=texts,
    evidence=tags,
    hint=texts,
)
facts = st.builds(
    Fact, truth=st.sampled_from(Truth), source=names, observed_at=moments, detail=texts
)


@st.composite
def actions(draw: st.DrawFn) -> Action:
    """Anything that anybody may ask for."""
    return Action(
        id=draw(names),
        kind=draw(st.sampled_from(ActionKind)),
        provider=draw(names),
        targets=tuple(draw(st.lists(resources, max_size=3))),
        actor=draw(texts),
        reason=draw(texts),
        requested_at=draw(moments),
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[Action, PolicyContext]:
    """An action and what is known of it: about every target something, or nothing."""
    action = draw(actions())
    known = {
        str(target.ref): draw(st.dictionaries(st.sampled_from(QUESTIONS), facts))
        for target in action.targets
    }
    context = PolicyContext(
        now=draw(moments), facts=known, listing=draw(maybe(listings)), dry_run=draw(st.booleans())
    )
    return action, context


QUESTIONS = ("training", "checkpoints_saved", "age")
"""Questions that the core answers, now or later; a policy meets all of them."""
