"""Jobs: work as rows, so that it survives whoever does it. The queue, the worker, and what they report."""
