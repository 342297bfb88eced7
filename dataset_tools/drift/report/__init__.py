"""What the command writes: the numbers, the sentences, the charts and the page."""
