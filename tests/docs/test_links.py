"""Links between documents lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)")
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*.md"),
        *ROOT.glob("plugins/*/README.md"),
    ]
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file or folder of the repository."""
    targets = LINK.findall(document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_document_can_be_reached() -> None:
    """The index or the README leads to every document."""
    reached = {
        (page.parent / target).resolve()
        for page in (ROOT / "README.md", ROOT / "docs/index.md")
        for target in LINK.findall(page.read_text())
    }
    documents = {file for file in DOCUMENTS if "plugins" not in file.parts}
    assert documents - reached <= {ROOT / "README.md", ROOT / "docs/index.md"}
