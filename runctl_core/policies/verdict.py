"""What all policies together say of an action."""

from __future__ import annotations

import attrs

from runctl_core.api.policy import Finding, Level, Override


@attrs.frozen(kw_only=True)
class Verdict:
    """All findings on one action; the worst of them decides."""

    findings: tuple[Finding, ...] = ()

    @property
    def level(self) -> Level:
        """The worst level, ``INFO`` when there is nothing to say."""
        return max((finding.level for finding in self.findings), default=Level.INFO)

    @property
    def blocks(self) -> tuple[Finding, ...]:
        """The findings that refuse the action."""
        return tuple(finding for finding in self.findings if finding.level is Level.BLOCK)

    @property
    def lifted(self) -> tuple[str, ...]:
        """The codes that ``--force`` turns into warnings."""
        return tuple(block.code for block in self.blocks if block.override is Override.FORCE)

    def force(self) -> Verdict:
        """The same verdict under ``--force``: what may be lifted becomes a warning, the rest stays."""
        return Verdict(findings=tuple(map(_lift, self.findings)))


def _lift(finding: Finding) -> Finding:
    if finding.level is Level.BLOCK and finding.override is Override.FORCE:
        return attrs.evolve(finding, level=Level.WARN)
    return finding
