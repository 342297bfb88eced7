"""What scripts written for RecBole call, the implementation of `quick_start.py`; and a script of our own commands."""
