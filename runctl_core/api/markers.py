"""The two decorators that tie plugins to hooks."""

import pluggy

PROJECT = "runctl"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
