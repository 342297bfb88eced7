"""The allowed values of RecBole's keys, and how they are read."""
