"""The settings of a new stack, based on another one's: `make new-stack`."""
