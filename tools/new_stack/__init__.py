"""The settings of a new stack, made like another one's: `make new-stack`."""
