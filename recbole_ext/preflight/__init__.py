"""Before a long run: what is installed, what the machine has, and everything that the run will do, once and small."""
