"""The verbs of the command line, one a file; each file offers `command`, a click command."""
