"""What the epochs of a run show so far, and when that is a warning."""
