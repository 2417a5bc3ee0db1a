"""Take secrets out of everything that is shown or kept.

Three nets, because each alone has holes: values that were registered as secret, names that announce a secret
(``api_key``), and shapes that secrets are known to have (``AKIA…``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "***"
SHORTEST_SECRET = 4
"""Characters below which a value is no secret: masking every ``a`` would destroy the text and hide nothing."""

_SECRET_WORDS = (
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "authorization",
    "api_key",
    "access_key",
    "secret_key",
    "private_key",
    "account_key",
)

_secrets: set[str] = set()


def register_secret(value: str) -> None:
    """Never show ``value`` again, neither as it is nor as JSON, ``repr`` or a URL writes it."""
    if len(value) >= SHORTEST_SECRET:
        _secrets.update(_spellings(value))
        _compile_secrets.cache_clear()


def forget_secrets() -> None:
    """Drop every registered secret."""
    _secrets.clear()
    _compile_secrets.cache_clear()


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is to be kept secret: ``RUNPOD_API_KEY`` is, ``max_tokens`` is not."""
    return bool(_compile_names().search(name))


def redact(value: Any) -> Any:
    """A copy of nested data without its secrets; what is neither text nor a container stays as it is."""
    match value:
        case str():
            return redact_text(value)
        case bytes():
            text = value.decode("utf-8", "surrogateescape")
            return redact_text(text).encode("utf-8", "surrogateescape")
        case Mapping():
            return {redact(key): _redact_entry(key, entry) for key, entry in value.items()}
        case list() | set() | frozenset():
            return type(value)(map(redact, value))
        case tuple():
            return tuple(map(redact, value))
    return value


def redact_text(text: str) -> str:
    """``text`` with every registered or recognised secret masked."""
    registered = _compile_secrets()
    if registered:
        text = registered.sub(MASK, text)
    for pattern, replacement in _compile_shapes():
        text = pattern.sub(replacement, text)
    return text


def _redact_entry(key: object, entry: Any) -> Any:
    if entry is not None and isinstance(key, str) and is_secret_name(key):
        return MASK
    return redact(entry)


def _spellings(value: str) -> Iterator[str]:
    import json
    from urllib.parse import quote

    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield quote(value, safe="", errors="surrogatepass")


@functools.cache
def _compile_secrets() -> re.Pattern[str] | None:
    longest_first = sorted(_secrets, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _join_words(*words: str) -> str:
    return "|".join(word.replace("_", "[_-]?") for word in words)


@functools.cache
def _compile_names() -> re.Pattern[str]:
    words = _join_words(*_SECRET_WORDS, "credentials?", "cookie", "signature")
    camel_case = "Token|Secret|Password|ApiKey|AccessKey|SecretKey|PrivateKey"
    return re.compile(rf"(?:(?:^|[^a-zA-Z])(?i:{words})|(?<=[a-z])(?:{camel_case}))$")


@functools.cache
def _compile_shapes() -> tuple[tuple[re.Pattern[str], str], ...]:
    announced = rf"(?<![A-Za-z])(?i:{_join_words(*_SECRET_WORDS)})\\*[\"']?\s*[=:]\s*"
    shapes = {
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)": MASK,
        r"(\w://)[^/\s@]*:[^/\s]*@|(\w://)[^/\s@:]{20,}@": rf"\1\2{MASK}@",
        r"(?i)\b(bearer|basic)( +)[\w.~+/=-]{16,}": rf"\1\2{MASK}",
        rf"({announced})(\\*[\"'])(?s:(?!\2).)+": rf"\1\2{MASK}",
        rf"({announced})(?:(?i:bearer|basic)\s+)?[^\s\\\"',;&)\]}}]+": rf"\1{MASK}",
        r"([?&]X-Amz-(?:Signature|Credential)=)[^&\s\"']+": rf"\1{MASK}",
        r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b": MASK,
        r"\b(?:rpa_|hf_|ghp_|gho_|ghs_|github_pat_|sk-|xox[abp]-)[\w-]{16,}": MASK,
        r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*": MASK,
    }
    return tuple((re.compile(shape), mask) for shape, mask in shapes.items())
