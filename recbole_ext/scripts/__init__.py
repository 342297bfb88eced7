"""What scripts written for RecBole call, behind `quick_start.py`."""
