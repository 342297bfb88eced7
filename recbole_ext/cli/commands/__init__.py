"""One file per command: its line of help, its options, and the call that executes it."""
