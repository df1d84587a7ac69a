"""Created once per AWS account, so that GitHub's workflows need no keys; see docs/bootstrap.md."""
