"""The data flywheel: from decided battles to training rows."""
