"""Where the steps of a conversion run: local threads or Ray."""
