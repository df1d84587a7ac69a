"""Stand-ins for the provider plugins that the program uses: same package names, versions, inputs and replacements.

Each plugin has a folder here (`aws`, `grafana`, ...). The engine runs it through a wrapper that `install.install`
writes. Start reading at `base.py`.
"""
