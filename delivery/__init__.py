"""What the workflows in .github/workflows run: which stacks changed, previews as a comment, `up`, `destroy`, drift."""
