"""The command line: words into calls, errors into one line and an exit code."""
