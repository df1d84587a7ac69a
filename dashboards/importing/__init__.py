"""`make import-dashboard`: community dashboards as files of this repository, which the program then manages.

`conversion.convert` is the pure function behind it. Each module does one part: `source` reads, `oldest` and `layout`
bring the model up to date, `panels` converts types that Grafana dropped, `datasources` resolves references; `queries`,
`links`, `variables` and `measured` do the rest.
"""
