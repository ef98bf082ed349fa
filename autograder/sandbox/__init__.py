"""Where untrusted code lives. Nothing here may know a check, a reference or a score."""
