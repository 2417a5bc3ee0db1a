"""The core's own top-level commands, one file each."""
