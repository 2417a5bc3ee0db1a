"""What runs on the other side of a machine's channel.

These modules use the standard library only, work with Python 3.8 and import nothing but each other: their source is
sent with each request (see ``runctl_core.machines.channel``), so nothing is installed there.  ``LocalMachine`` calls the
same functions in this process.
"""
