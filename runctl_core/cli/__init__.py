"""The ``runctl`` command."""
