"""What a run keeps so that it can be opened again: its vocabulary and the record of its data."""
