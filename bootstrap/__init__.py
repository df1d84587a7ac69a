"""What a person makes once in an AWS account, so that GitHub's workflows need no keys; see docs/bootstrap.md."""
