"""Copies arrive whole and take nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from runctl_core.api.errors import NotFoundError
from runctl_core.api.model import Resource
from runctl_core.api.requests import Location, TransferReport, TransferRequest, Verify
from runctl_core.facade import ProviderHandle
from runctl_core.testing.parts.base import Base
from runctl_core.testing.parts.gate import needs

CONTENT = {"a.txt": b"alpha\n", "deep/b.bin": bytes(range(256)) * 40, "empty": b""}


class Transfer(Base):
    """Copying between here and a resource."""

    @pytest.fixture
    def remote_dir(self) -> str:
        """A folder on the resource that may be written to."""
        return "~/contract-transfer"

    @pytest.fixture
    def there(self, rented: Resource, remote_dir: str) -> Location:
        """That folder as an end of a transfer."""
        return Location(path=remote_dir, ref=rented.ref)

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """A few files."""
        return write_files(tmp_path / "source", CONTENT)

    @needs("transfer")
    def test_copy_there_and_back(
        self, provider: ProviderHandle, there: Location, source: Path, tmp_path: Path
    ) -> None:
        """What goes there and comes back is the same, byte for byte, and verified."""
        report = copy(provider, Location(path=str(source)), there, verify=Verify.SHA256)
        assert report.verified
        assert len(report.copied) == len(CONTENT)
        copy(provider, there, Location(path=str(tmp_path / "back")))
        assert read_files(tmp_path / "back") == CONTENT

    @needs("transfer")
    def test_copy_deletes_nothing_by_default(
        self, provider: ProviderHandle, there: Location, source: Path, tmp_path: Path
    ) -> None:
        """A file that only the destination has stays, unless deleting was asked for."""
        copy(provider, Location(path=str(source)), there)
        smaller = Location(path=str(write_files(tmp_path / "smaller", {"a.txt": b"changed\n"})))
        assert copy(provider, smaller, there).deleted == ()
        copy(provider, there, Location(path=str(tmp_path / "back")))
        assert read_files(tmp_path / "back") == {**CONTENT, "a.txt": b"changed\n"}
        assert set(copy(provider, smaller, there, delete_extraneous=True).deleted)
        copy(provider, there, Location(path=str(tmp_path / "after")))
        assert read_files(tmp_path / "after") == {"a.txt": b"changed\n"}

    @needs("transfer")
    def test_copy_of_nothing(
        self, provider: ProviderHandle, there: Location, tmp_path: Path
    ) -> None:
        """A source that is not there is not found, rather than an empty copy."""
        with pytest.raises(NotFoundError):
            copy(provider, Location(path=str(tmp_path / "missing")), there)

    @needs("transfer")
    def test_rehearsed_copy_copies_nothing(
        self, provider: ProviderHandle, there: Location, source: Path, tmp_path: Path
    ) -> None:
        """A dry run tells what would be copied and leaves the destination alone."""
        report = copy(provider, Location(path=str(source)), there, dry_run=True)
        assert report.dry_run
        assert len(report.copied) == len(CONTENT)
        with pytest.raises(NotFoundError):
            copy(provider, there, Location(path=str(tmp_path / "back")))


def copy(
    provider: ProviderHandle,
    source: Location,
    destination: Location,
    *,
    verify: Verify = Verify.SIZE,
    delete_extraneous: bool = False,
    dry_run: bool = False,
) -> TransferReport:
    """Ask the provider for one copy."""
    request = TransferRequest(
        source=source,
        destination=destination,
        verify=verify,
        delete_extraneous=delete_extraneous,
        dry_run=dry_run,
    )
    return provider.transfer(request, lambda _label, _done, _total: None)


def write_files(folder: Path, content: dict[str, bytes]) -> Path:
    """Make a folder of these files."""
    for name, data in content.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def read_files(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
