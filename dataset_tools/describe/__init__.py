"""What a data set holds: its statistics, a page of them, and the check before a long training."""
