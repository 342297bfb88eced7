"""A finished run on interactions that came later: read, compared with the run's own, evaluated and counted."""
