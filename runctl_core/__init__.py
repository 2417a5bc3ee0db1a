"""runctl: machine-learning training on rented and owned machines, without losing work or money."""

__version__ = "0.1.0"
