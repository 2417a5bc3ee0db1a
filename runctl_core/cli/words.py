"""How values read in tables."""

from __future__ import annotations

from datetime import datetime, timedelta

from runctl_core.api.model import Price, Resource, Run


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago something was, such as ``5m`` or ``2d 3h``."""
    return span(now - moment) if moment else ""


def span(length: timedelta) -> str:
    """A length of time in at most two units."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    parts = []
    for name, size in units:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2])


def duration(run: Run, now: datetime) -> str:
    """How long a run has taken, or took."""
    if run.started_at is None or (run.ended_at is None and not run.state.is_active):
        return ""
    return span((run.ended_at or now) - run.started_at)


def ending(run: Run) -> str:
    """How a run ended: its exit code or signal; empty when it did not, or nobody knows."""
    if run.signal is not None:
        return f"signal {run.signal}"
    return "" if run.exit_code is None else str(run.exit_code)


def state(resource: Resource) -> str:
    """A resource's state; for a local one that of its run, which says more."""
    return resource.native.get("run_state") or str(resource.state)


def locks(resource: Resource) -> str:
    """A padlock for what is protected or persistent, a question mark where that is unknown."""
    if resource.protected or resource.persistent:
        return "🔒"
    return "?" if resource.protected is None and resource.tags is None else ""


def price(found: Price | None) -> str:
    """What an hour costs; ``?`` when unknown."""
    return "?" if found is None else f"${found.usd_per_hour:.2f}"


def size(size_bytes: int) -> str:
    """A number of bytes for people."""
    amount = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
