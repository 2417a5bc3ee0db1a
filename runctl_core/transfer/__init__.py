"""Moving files: which belong to a project, what differs, copy, verify."""
