"""The documentation: written by hand, or generated from the code by `python -m docs.generate`."""
