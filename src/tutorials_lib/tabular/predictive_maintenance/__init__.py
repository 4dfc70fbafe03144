"""Machine failures, predicted by logistic regressions that are selected all at once (Cox 1958)."""
