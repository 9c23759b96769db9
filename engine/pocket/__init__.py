"""The pocket world: tasks with computable answers, their checker, and four tiny models that answer them."""
