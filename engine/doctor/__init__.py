"""`doctor`: what stands in the way of a run on this machine, and what earlier runs have left behind. It only looks."""
