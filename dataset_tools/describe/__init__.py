"""What a data set contains: its statistics, a page of them, and the check before a long training."""
