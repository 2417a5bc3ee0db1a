"""Machines: this one, and those that OpenSSH reaches."""
