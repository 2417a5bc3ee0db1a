"""ACME's own client library: a cloud that is a folder, where each machine and each disk is a folder in it.

A real provider has its SDK or a few HTTP calls in this place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE_SIZE = 50
PRICES = {"small": "0.10", "large": "2.40"}

Record = dict[str, Any]


class CloudError(Exception):
    """A request was refused.

    Attributes:
        status: as in HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Cloud:
    """One account."""

    def __init__(self, folder: Path, token: str | None) -> None:
        self.folder = folder
        self._token = token

    def request(self, verb: str, **fields: Any) -> Any:
        """Ask for something; every conversation with the cloud goes through here.

        Raises:
            CloudError: it was refused.
        """
        verbs: dict[str, Callable[..., Any]] = {
            "list": self._list,
            "create": self._create,
            "update": self._update,
            "delete": self._delete,
            "price": self._price,
        }
        return verbs[verb](**fields)

    def _list(self, kind: str, page: int = 0) -> Record:
        files = sorted(self.folder.glob(f"{kind}/*/state.json"))
        shown = files[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
        more = len(files) > (page + 1) * PAGE_SIZE
        items = [json.loads(file.read_text()) for file in shown]
        return {"items": items, "next": page + 1 if more else None}

    def _create(self, kind: str, key: str, **fields: Any) -> Record:
        if kind == "machines":
            fields["usd_per_hour"] = self._price(fields["shape"])
        item_id = f"{kind[0]}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"
        with contextlib.suppress(CloudError):
            return self._read(kind, item_id)  # the same key is the same thing
        now = datetime.now(UTC).isoformat()
        return self._write(kind, {"id": item_id, "key": key, "created": now, **fields})

    def _update(self, kind: str, id: str, **fields: Any) -> Record:  # noqa: A002 - ACME's name for it
        return self._write(kind, {**self._read(kind, id), **fields})

    def _delete(self, kind: str, id: str) -> None:  # noqa: A002
        if self._read(kind, id).get("attached_to"):
            raise CloudError(409, f"{id} is attached")
        shutil.rmtree(self.folder / kind / id)

    def _price(self, shape: str) -> str:
        if shape not in PRICES:
            raise CloudError(404, f"there is no shape {shape!r}")
        return PRICES[shape]

    def _read(self, kind: str, item_id: str) -> Record:
        try:
            found: Record = json.loads((self.folder / kind / item_id / "state.json").read_text())
        except FileNotFoundError:
            raise CloudError(404, f"there is no {item_id} among {kind}") from None
        return found

    def _write(self, kind: str, record: Record) -> Record:
        folder = self.folder / kind / record["id"]
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / "state.json.new"
        fresh.write_text(json.dumps(record))
        fresh.replace(folder / "state.json")
        return record
