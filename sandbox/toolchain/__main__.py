"""`python -m sandbox.toolchain` builds what is missing and prints the folder of the programs."""

from sandbox.toolchain import ensure

if __name__ == "__main__":
    print(ensure())
