"""The kit that proves a plugin."""
