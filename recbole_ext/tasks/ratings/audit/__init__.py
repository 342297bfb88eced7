"""The audit of rating metrics: is a reported error possible?"""
