"""`make import-dashboard`: community dashboards as files of this repository, which the program then manages.

`convert` is the pure function behind it. Each module does one part: `source` reads, `layout` places panels, `panels`
converts those whose kind Grafana dropped, `datasources` finds what they ask, `variables` and `known` the rest.
"""
