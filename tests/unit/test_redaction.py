"""What must never be shown, and what must be left alone."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.redaction import (
    MASK,
    forget_secrets,
    is_secret_name,
    redact,
    redact_text,
    register_secret,
)

SECRETS = st.text(string.ascii_letters + string.digits + "/+\"'\\\n é", min_size=8, max_size=20)
WORDS = st.text(string.ascii_letters + " .,0123456789", max_size=20)


@pytest.fixture(autouse=True)
def no_secrets() -> Iterator[None]:
    """Registered secrets do not leak into the next test, either."""
    forget_secrets()
    yield
    forget_secrets()


def _nest(secret: str) -> st.SearchStrategy[Any]:
    around = st.tuples(WORDS, WORDS).map(lambda pair: f"{pair[0]}{secret}{pair[1]}")
    leaves = around | around.map(str.encode) | st.integers() | st.none()
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(around | WORDS, inner, max_size=3)
        ),
        max_leaves=8,
    )


@given(st.data(), SECRETS)
def test_a_registered_secret_is_never_in_what_comes_out(data: st.DataObject, secret: str) -> None:
    """However deep it is nested, in text, bytes, keys and values, and however it is written down."""
    forget_secrets()
    register_secret(secret)
    nested = data.draw(_nest(secret))
    shown = redact(nested)
    spellings = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    written = json.dumps(nested, default=repr)
    for text in (repr(shown), redact_text(repr(nested)), redact_text(written)):
        assert not any(spelling in text for spelling in spellings)


@given(
    st.recursive(
        st.text(string.ascii_letters + " .,0123456789") | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["loss", "step"]), inner),
    )
)
def test_ordinary_data_is_left_as_it_is(data: Any) -> None:
    """Equal in value and in type."""
    assert repr(redact(data)) == repr(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AWS_SECRET_ACCESS_KEY=abcd/EFG+1 next", f"AWS_SECRET_ACCESS_KEY={MASK} next"),
        ("id AKIAIOSFODNN7EXAMPLE.", f"id {MASK}."),
        ("Authorization: Bearer abcdef", f"Authorization: {MASK}"),
        ("sent Bearer abcdefghijklmnop12", f"sent Bearer {MASK}"),
        ("key rpa_ABCDEFGHIJKLMNOPQRST12", f"key {MASK}"),
        ("https://user:word@host/path", f"https://{MASK}@host/path"),
        ("postgres://:word@host", f"postgres://{MASK}@host"),
        ('{"api_key": "a b c", "n": 1}', f'{{"api_key": "{MASK}", "n": 1}}'),
        (r'{"m": "{\"token\": \"a b\"}"}', rf'{{"m": "{{\"token\": \"{MASK}\"}}"}}'),
        ("password='a b\nc' x", f"password='{MASK}' x"),
        ("?X-Amz-Signature=abc&y=1", f"?X-Amz-Signature={MASK}&y=1"),
        (
            "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\nb",
            f"a\n{MASK}\nb",
        ),
        ("-----BEGIN PRIVATE KEY-----\ncut o", MASK),
    ],
)
def test_known_shapes_are_masked(text: str, expected: str) -> None:
    """Nothing but the secret part goes, and masking twice changes nothing."""
    assert redact_text(text) == expected
    assert redact_text(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "loss=0.3 tokens=512 max_tokens: 5",
        "git@github.com:a/b.git",
        "ssh://git@github.com/a/b",
        "AWS credentials: not found",
        "the password is wrong",
        "bearer of good news",
        "https://example.org:8080/a?b=c",
        "monkey=3 keyboard: 4",
        "s3://bucket/key@2",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    """What only resembles a secret is still readable."""
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("RUNPOD_API_KEY", True),
        ("api_key", True),
        ("runpod.api_key", True),
        ("x-api-key", True),
        ("hf_token", True),
        ("Authorization", True),
        ("clientSecret", True),
        ("aws_secret_access_key", True),
        ("credentials", True),
        ("max_tokens", False),
        ("token_file", False),
        ("monkey", False),
        ("tokenizer", False),
        ("secretary", False),
    ],
)
def test_names_announce_secrets(name: str, is_secret: bool) -> None:
    """By their last word."""
    assert is_secret_name(name) is is_secret
    assert redact({name: "value"}) == {name: MASK if is_secret else "value"}


def test_nothing_is_made_of_an_absent_secret() -> None:
    """``None`` is shown, so that one sees that it is not set."""
    assert redact({"api_key": None}) == {"api_key": None}


def test_the_longer_of_two_secrets_goes_as_a_whole() -> None:
    """A secret that begins with another leaves no tail."""
    register_secret("abcd")
    register_secret("abcdefgh")
    assert redact_text("x abcdefgh y") == f"x {MASK} y"
