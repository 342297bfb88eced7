"""One global cut in time: where it lies, the files of its parts, and what is fitted on the past alone."""
