"""Files that hold keys and passwords, by their names."""

from __future__ import annotations

import fnmatch

_FOLDERS = frozenset({".aws", ".azure", ".gcloud", ".gnupg", ".kube", ".ssh"})

_HARMLESS = frozenset({".env.dist", ".env.example", ".env.sample", ".env.template"})

_FILES = (
    ".env",
    ".env.*",
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "*.jks",
    "*.kdbx",
    "*.key",
    "*.keystore",
    "*.p12",
    "*.pem",
    "*.pfx",
    "*.ppk",
    "_netrc",
    "credentials",
    "credentials.*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "id_rsa*",
    "kubeconfig",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
    "service-account*.json",
    "service_account*.json",
)


def is_secret(path: str) -> bool:
    """Whether the relative ``path`` looks like a secret, or lies in a folder of secrets."""
    *folders, name = path.lower().split("/")
    if name in _FOLDERS or not _FOLDERS.isdisjoint(folders):
        return True
    return name not in _HARMLESS and any(fnmatch.fnmatchcase(name, known) for known in _FILES)
