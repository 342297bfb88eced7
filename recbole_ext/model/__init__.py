"""One file per model: its equations, and nothing about files, loops or logs."""
