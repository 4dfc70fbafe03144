"""House prices with linear models: least squares, ridge, lasso and Huber's loss (Huber 1964)."""
