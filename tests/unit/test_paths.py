"""Where files are, and which folders are refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from runctl_core.api.errors import InputError
from runctl_core.files import replace_file
from runctl_core.paths import ensure_private_folder, expand, user_config_file


def test_the_users_file_follows_xdg() -> None:
    """An absolute variable wins, a relative one is ignored."""
    assert user_config_file({"HOME": "/h"}) == Path("/h/.config/runctl/config.toml")
    absolute = {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}
    assert user_config_file(absolute) == Path("/x/runctl/config.toml")
    relative = {"HOME": "/h", "XDG_CONFIG_HOME": "x"}
    assert user_config_file(relative) == Path("/h/.config/runctl/config.toml")


def test_expand_knows_home_and_folder() -> None:
    """Only a whole leading ``~`` is the home."""
    home, folder = Path("/h"), Path("/f")
    paths = {"~": "/h", "~/a": "/h/a", "a": "/f/a", "/a": "/a", "~a": "/f/~a"}
    assert {path: str(expand(Path(path), home=home, folder=folder)) for path in paths} == paths


def test_a_private_folder_is_made_for_the_user_alone(tmp_path: Path) -> None:
    """With its parents; making it twice is fine."""
    folder = tmp_path / "a" / "b"
    assert ensure_private_folder(folder) == ensure_private_folder(folder) == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def _make_file(path: Path) -> None:
    path.write_text("")


def _make_below_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


def _make_open(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def _make_foreign(path: Path) -> None:
    path.mkdir()
    try:
        os.chown(path, 12345, 12345)
    except PermissionError:
        pytest.skip("only root can give a folder away")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_make_file, "a file stands there"),
        (_make_below_file, "Not a directory"),
        (_make_open, "everybody may write to it"),
        (_make_foreign, "it belongs to another user .12345"),
    ],
)
def test_an_unusable_folder_is_refused_in_one_line(tmp_path: Path, make, reason: str) -> None:  # type: ignore[no-untyped-def]
    """Before anything is written there, with exit code 2."""
    folder = tmp_path / "parent" / "folder"
    folder.parent.mkdir()
    make(folder)
    with pytest.raises(InputError, match=reason) as caught:
        ensure_private_folder(folder)
    assert str(folder) in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_replaced_file_keeps_its_permissions_and_its_link(tmp_path: Path) -> None:
    """People link their dotfiles from a repository."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    replace_file(link, "new é", mode=0o600)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new é"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    replace_file(tmp_path / "fresh", "", mode=0o600)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_over(tmp_path: Path) -> None:
    """Old content or new, and no temporary files."""
    target = tmp_path / "folder"
    target.mkdir()
    (target / "inside").write_text("old")
    with pytest.raises(InputError, match=f"cannot write {target}: Is a directory"):
        replace_file(target, "new", mode=0o600)
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["folder"]
