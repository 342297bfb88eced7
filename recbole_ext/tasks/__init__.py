"""What differs between tasks: ranking, ratings, clicks."""
