"""Commission plans: linter, price books, documents, worked examples."""
