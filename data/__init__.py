"""What ships with the program: plans, judge templates, the pocket world. Read with `importlib.resources`."""
