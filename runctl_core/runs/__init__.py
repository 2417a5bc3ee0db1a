"""Runs: what was asked for, the supervisor that carries it out, and where its traces are kept."""
