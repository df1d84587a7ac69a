"""Stand-ins for the provider plugins the program uses: same package names, versions, inputs and replacements.

Each package has a folder here (`aws`, `grafana`, ...) run by the engine through a wrapper that
`install.install` writes. Start reading at `base.py`.
"""
