"""The verbs of ``runctl PROVIDER``, one file each."""
