"""Tutorials on tables: rows of numbers, one for each customer, house or machine."""
