"""What finished runs report."""
