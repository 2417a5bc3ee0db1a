"""These packages are tested where they are installed: see tests/contract/test_third_party.py."""

collect_ignore_glob = ["runctl_*"]
