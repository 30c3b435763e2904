"""The product as people run it: whole processes, the files that start them, the installed client."""
