"""Fraud among card payments, found by an autoencoder that has learned what is normal."""
