"""Engines that follow users event by event; `serving/engine.py` opens one."""
