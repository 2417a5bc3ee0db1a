"""The section ``[acme]`` of the configuration."""

from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class AcmeSettings:
    """Which account, and where."""

    folder: Path = attrs.field(
        default=Path("~/acme"), metadata={"doc": "The folder that is the cloud."}
    )
    token: str | None = attrs.field(
        default=None, repr=False, metadata={"doc": "The key of the account.", "secret": True}
    )
