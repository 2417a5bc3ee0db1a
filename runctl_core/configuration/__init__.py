"""Settings from files and variables, with errors that name file, line and key."""

from runctl_core.configuration.loading import Configuration as Configuration
from runctl_core.configuration.loading import load_configuration as load_configuration
