"""What a simulated log holds, counted while it is written, by the definitions of the design and by no model
of ours.
"""
