"""What a run reports while it trains: progress, sinks, notification."""
