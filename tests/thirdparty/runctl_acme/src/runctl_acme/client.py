"""Asking ACME, with its errors turned into ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from runctl_acme.cloud import Cloud, CloudError, Record
from runctl_core.api import (
    BlockedError,
    CapacityError,
    CredentialsError,
    NotFoundError,
    RunctlError,
    ThrottledError,
    UnavailableError,
    UnreachableError,
)

ERRORS: dict[int, type[RunctlError]] = {
    401: CredentialsError,
    403: CredentialsError,
    404: NotFoundError,
    408: UnreachableError,
    409: BlockedError,
    429: ThrottledError,
    503: UnavailableError,
    507: CapacityError,
}


@attrs.frozen
class Client:
    """One account at ACME."""

    cloud: Cloud = attrs.field(repr=False)

    def ask(self, verb: str, **fields: Any) -> Any:
        """Make one request.

        Raises:
            RunctlError: ACME refused, in the class that says why.
        """
        try:
            return self.cloud.request(verb, **fields)
        except CloudError as error:
            raise ERRORS.get(error.status, RunctlError)(f"acme: {error}") from None
        except ValueError:  # text that is no JSON; it may repeat what was sent, so it is not shown
            raise RunctlError("acme: the answer makes no sense", hint="try again") from None

    def pages(self, kind: str) -> Iterator[list[Record]]:
        """Every page of a listing, one after the other."""
        page: int | None = 0
        while page is not None:
            answer = self.ask("list", kind=kind, page=page)
            yield answer["items"]
            page = answer["next"]
