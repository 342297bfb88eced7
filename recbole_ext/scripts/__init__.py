"""What scripts written for RecBole call: the implementation of `quick_start.py`."""
