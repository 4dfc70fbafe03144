"""Generate faces with a variational autoencoder (Kingma and Welling 2014)."""
