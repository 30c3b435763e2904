"""Figures with targets: ratios within one run, and what an idle process costs."""
