"""Requests and answers survive any cutting of the stream; what is sent along needs nothing there."""

from __future__ import annotations

import ast
import io
import itertools
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.machines import far
from runctl_core.machines.channel import MODULES, AnswerReader, ignore_frame
from runctl_core.machines.far.frames import ANSWER, END, FrameParser, encode, read_frames
from runctl_core.machines.remote import last_line

FAR_FILES = sorted(Path(far.__file__).parent.glob("*.py"))
frame_lists = st.lists(st.tuples(st.sampled_from([b"o", b"e", b"d"]), st.binary(max_size=50)))


@given(frames=frame_lists, cuts=st.lists(st.integers(0, 2000)))
def test_frames_survive_any_cutting(frames: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    """However the stream is cut, the same frames come out; a stream parser agrees."""
    stream = b"".join(encode(kind, data) for kind, data in frames)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    parser = FrameParser()
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert [frame for piece in pieces for frame in parser.feed(piece)] == frames
    assert list(read_frames(io.BytesIO(stream + encode(END)))) == frames


@given(frames=frame_lists, missing=st.integers(1, 30))
def test_a_cut_request_is_noticed(frames: list[tuple[bytes, bytes]], missing: int) -> None:
    """A payload without its end is an error, whatever is missing of it."""
    stream = b"".join(encode(kind, data) for kind, data in frames) + encode(END)
    with pytest.raises(EOFError):
        list(read_frames(io.BytesIO(stream[: max(0, len(stream) - missing)])))


@given(noise=st.binary(max_size=5000), after=st.binary(max_size=100), size=st.integers(1, 64))
def test_noise_around_an_answer_is_not_the_answer(noise: bytes, after: bytes, size: int) -> None:
    """Whatever comes before the greeting and after the answer changes nothing."""
    frames: list[tuple[bytes, bytes]] = []
    reader = AnswerReader("f00d" * 8, lambda kind, data: frames.append((kind, data)))
    stream = noise + b"f00d" * 8 + b"\n" + encode(b"o", b"out")
    stream += encode(ANSWER, b'{"value": 1}') + after
    for start in range(0, len(stream), size):
        reader.feed(stream[start : start + size])
    assert (reader.answer, frames) == ({"value": 1}, [(b"o", b"out")])
    assert len(reader.noise) <= 2048


def test_noise_alone_is_no_answer() -> None:
    """Not even if it looks like one."""
    reader = AnswerReader("f00d" * 8, ignore_frame)
    reader.feed(encode(ANSWER, b'{"value": 1}'))
    assert (reader.has_greeted, reader.answer) == (False, None)


@pytest.mark.parametrize("path", FAR_FILES, ids=lambda path: path.name)
def test_far_modules_are_python_3_8(path: Path) -> None:
    """An old interpreter on the other side understands them."""
    ast.parse(path.read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("path", FAR_FILES, ids=lambda path: path.name)
def test_far_modules_import_only_what_is_there(path: Path) -> None:
    """The standard library and each other; and each module is sent with all it imports, in order."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert name is not None
            if not name.startswith("runctl_core.machines.far."):
                assert name.partition(".")[0] in sys.stdlib_module_names
            elif path.stem in MODULES:
                order = MODULES[path.stem]
                assert name.rpartition(".")[2] in order[: order.index(path.stem)]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (b"", ""),
        (b"\n\n", ""),
        (b"one\ntwo\n\n", "two"),
        (b"\x1b[31mred\x1b[0m\r\n", "[31mred[0m"),
        (b"\xff\xfe bad", "\ufffd\ufffd bad"),
        (b"x" * 1000, "x" * 300),
    ],
)
def test_the_last_line_is_fit_for_a_message(output: bytes, expected: str) -> None:
    """One line, printable, of bounded length."""
    assert last_line(output) == expected
