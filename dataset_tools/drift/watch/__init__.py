"""A stream of interactions watched for drift against a stored profile of the past.

profile, make_profile   the stored profile: counts of the past without rows, and how it is made
lines, files            formats of the stream, and its files: which were read, and how far
window                  counts of the window that is open
judge                   a closed window beside the profile: measures, nulls, states
state                   how far the watch has come, in one file that is replaced as a whole
options, output         settings; the file to which the lines go
watch                   the loop
"""
