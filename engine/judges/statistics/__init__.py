"""What a judge's verdicts tell of the judge: how often it was no use, and what sways it. See docs/methodology.md."""
