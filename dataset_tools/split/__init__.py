"""One global cut in time: its position, the files of its parts, and what is fitted on the past alone."""
