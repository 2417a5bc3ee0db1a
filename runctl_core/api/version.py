"""The version of the plugin interface.

Within one major version fields, hooks and operations are only added, always with a default.  A plugin works
when its major version is ours and its minor version is not newer than ours.
"""

API_VERSION: tuple[int, int] = (1, 0)
